// Draws the bodies. Light is summed in a half-float buffer and then compressed to the range of the
// screen.

const KINDS = 6;
const RAMP = description.ramp.length;
const GALAXIES = 6;
// Least diameter of bodies of types with few bodies, at the distance of the target [pixels of the page].
const LARGE = 7;

const BODY_VERTEX = `#version 300 es
// For each of four snapshots: the upper 16 and the lower 8 bits of the coordinates, and the speed.
// The speed is stored as 1 plus 254 times its ratio to the greatest, or as 0 for a missing body.
layout(location = 0) in vec3 high0;
layout(location = 1) in vec3 high1;
layout(location = 2) in vec3 high2;
layout(location = 3) in vec3 high3;
layout(location = 4) in vec3 low0;
layout(location = 5) in vec3 low1;
layout(location = 6) in vec3 low2;
layout(location = 7) in vec3 low3;
layout(location = 8) in float speed0;
layout(location = 9) in float speed1;
layout(location = 10) in float speed2;
layout(location = 11) in float speed3;
layout(location = 12) in uint kind;
layout(location = 13) in uint galaxy;
uniform vec4 weights; // of the four snapshots around the displayed time
uniform bool periodic; // whether the cube repeats
uniform vec3 target; // lengths are in sides of the cube
uniform mat3 turn;
uniform vec2 lens; // factors on the slopes of rays
uniform float away; // distance of the target from the eye
uniform float size; // diameter of a body at the distance of the target [pixels]
uniform float large; // least diameter of bodies of types with few bodies [pixels]
uniform float brightness;
uniform int colouring; // by type, by speed or by galaxy
uniform vec3 palette[${KINDS}];
uniform bool sparse[${KINDS}];
uniform vec3 galaxies[${GALAXIES} + 1];
uniform bool shown[${KINDS}];
uniform vec3 ramp[${RAMP}];
out vec3 light;
flat out float soft;

// The image of a place that is nearest to another one.
vec3 nearest(vec3 place, vec3 other) {
  return periodic ? place - 16777215.0 * round((place - other) / 16777215.0) : place;
}

void main() {
  bool here = speed1 > 0.0 && speed2 > 0.0 && shown[kind];
  vec3 place1 = 256.0 * high1 + low1;
  vec3 place2 = nearest(256.0 * high2 + low2, place1);
  vec3 place0 = speed0 > 0.0 ? nearest(256.0 * high0 + low0, place1) : place1;
  vec3 place3 = speed3 > 0.0 ? nearest(256.0 * high3 + low3, place2) : place2;
  vec3 mean = weights[0] * place0 + weights[1] * place1 + weights[2] * place2 + weights[3] * place3;
  vec3 inside = mean / 16777215.0;
  // Between two snapshots a body leaves the box on one side and enters it on the other.
  if (periodic && weights[1] < 1.0) inside -= floor(inside);
  vec3 eye = turn * (inside - target);
  float depth = away - eye.z;
  // Bodies behind the eye or very close to it are not drawn.
  gl_Position = here && depth > 0.02 * away ? vec4(lens * eye.xy, 0.0, depth) : vec4(2.0, 2.0, 2.0, 1.0);
  float wanted = (sparse[kind] ? max(size, large) : size) * away / depth;
  float drawn = clamp(wanted, 1.0, 128.0);
  gl_PointSize = drawn;
  soft = smoothstep(1.5, 3.0, drawn);
  float rest = (wanted / drawn) * (wanted / drawn);
  float speed = mix(speed1, speed2, weights[2] / max(weights[1] + weights[2], 1e-6)) - 1.0;
  float at = clamp(speed / 254.0, 0.0, 1.0) * float(${RAMP} - 1);
  int stop = min(int(at), ${RAMP} - 2);
  vec3 colour = colouring == 1 ? mix(ramp[stop], ramp[stop + 1], at - float(stop))
    : colouring == 2 ? galaxies[min(galaxy, ${GALAXIES}u)] : palette[kind];
  light = colour * (sparse[kind] ? max(brightness, 1.5) : brightness) * min(rest, 1.0);
}`;

const BODY_FRAGMENT = `#version 300 es
precision highp float;
in vec3 light;
flat in float soft;
out vec4 colour;
void main() {
  vec2 off = 2.0 * gl_PointCoord - 1.0;
  float r2 = dot(off, off);
  float spot = max(exp(-3.0 * r2) - 0.05, 0.0) / 0.95;
  colour = vec4(light * mix(1.0, spot, soft), 1.0);
}`;

// The paths of single bodies.
const PATH_VERTEX = `#version 300 es
layout(location = 0) in vec3 place;
uniform vec3 target;
uniform mat3 turn;
uniform vec2 lens;
uniform float away;
void main() {
  vec3 eye = turn * (place - target);
  gl_Position = vec4(lens * eye.xy, 0.0, away - eye.z);
}`;

const PATH_FRAGMENT = `#version 300 es
precision highp float;
uniform vec3 light;
out vec4 colour;
void main() {
  colour = vec4(light, 1.0);
}`;

const SCREEN_VERTEX = `#version 300 es
void main() {
  gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0);
}`;

const SCREEN_FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D light;
out vec4 colour;
void main() {
  vec3 sum = texelFetch(light, ivec2(gl_FragCoord.xy), 0).rgb;
  float most = max(max(sum.r, sum.g), max(sum.b, 1e-9));
  float shown = 1.0 - exp(-most);
  vec3 hue = mix(sum / most, vec3(1.0), smoothstep(1.0, 12.0, most) * 0.85);
  colour = vec4(pow(hue * shown, vec3(1.0 / 2.2)), 1.0);
}`;

// Numbers of these are the values of the uniform `colouring`.
const COLOURINGS = ["type", "speed", "galaxy"];

// Edges of the cube.
const EDGES = [0, 1, 2].flatMap((axis) =>
  [[0, 0], [0, 1], [1, 0], [1, 1]].flatMap((others) => [0, 1].map((end) => others.toSpliced(axis, 0, end))),
);
const EDGE_LIGHT = [0.12, 0.14, 0.18];

// The image of a place that is nearest to another one, in sides of the cube.
const nearestImage = (place, other) => (description.periodic ? place.map((x, axis) => x - Math.round(x - other[axis])) : place);

// A path in pieces that do not leave a periodic box. Where it crosses a face, one piece ends outside and
// the next one begins there, moved by a side.
function insideBox(path) {
  const pieces = [];
  let piece = [];
  for (const place of path) {
    const last = piece.at(-1);
    const next = last ? nearestImage(place, last) : place;
    piece.push(next);
    if (description.periodic && last && next.some((x) => x < 0 || x > 1)) {
      pieces.push(piece);
      const moved = next.map((x) => Math.floor(x));
      piece = [last, next].map((end) => end.map((x, axis) => x - moved[axis]));
    }
  }
  return [...pieces, piece].filter((piece) => piece.length > 1);
}

const linear = (colour) => colour.map((part) => (part / 255) ** 2.2);

class Stage {
  constructor(canvas, gl) {
    this.canvas = canvas;
    this.gl = gl;
    // Without float buffers, light is summed on the screen itself, which saturates early.
    this.deep = gl.getExtension("EXT_color_buffer_float") ?? gl.getExtension("EXT_color_buffer_half_float");
    this.bodies = this.program(BODY_VERTEX, BODY_FRAGMENT);
    this.screen = this.program(SCREEN_VERTEX, SCREEN_FRAGMENT);
    this.paths = this.program(PATH_VERTEX, PATH_FRAGMENT);
    const places = (program, names) => Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)]));
    this.places = places(this.bodies, ["weights", "periodic", "target", "turn", "lens", "away", "size", "large", "brightness", "colouring", "palette", "sparse", "galaxies", "shown", "ramp"]);
    this.pathPlaces = places(this.paths, ["target", "turn", "lens", "away", "light"]);
    this.pathBuffer = gl.createBuffer();
    this.magnify = 1;
    this.texture = gl.createTexture();
    this.buffer = gl.createFramebuffer();
    this.palette = new Float32Array(description.palette.flatMap(linear));
    this.ramp = new Float32Array(description.ramp.flatMap(linear));
    const galaxies = Array.from({ length: GALAXIES + 1 }, (_, i) => description.galaxies[i] ?? [128, 128, 128]);
    this.galaxies = new Float32Array(galaxies.flatMap(linear));
    this.sparse = new Int32Array(description.sparse.map(Number));
    gl.blendFunc(gl.ONE, gl.ONE);
  }

  program(vertex, fragment) {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(gl.getShaderInfoLog(shader));
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program));
    return program;
  }

  // Fits the drawing to the window.
  fit() {
    const { gl, canvas } = this;
    this.ratio = Math.min(window.devicePixelRatio || 1, 2) * this.magnify;
    const size = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * this.ratio)));
    if (canvas.width === size[0] && canvas.height === size[1] && this.fitted) return;
    [canvas.width, canvas.height] = size;
    this.fitted = true;
    if (!this.deep) return;
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA16F, ...size, 0, gl.RGBA, gl.HALF_FLOAT, null);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.buffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.texture, 0);
    this.deep = gl.checkFramebufferStatus(gl.FRAMEBUFFER) === gl.FRAMEBUFFER_COMPLETE;
  }

  // Half of the shorter side of the picture [pixels].
  get reach() {
    return Math.min(this.canvas.width, this.canvas.height) / 2;
  }

  // Draws the first `count` bodies, interpolated between four snapshots.
  draw(library, numbers, weights, count, camera, look) {
    const { gl, canvas, places } = this;
    this.fit();
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.deep ? this.buffer : null);
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (count > 0) {
      gl.enable(gl.BLEND);
      gl.useProgram(this.bodies);
      gl.uniform4fv(places.weights, weights);
      gl.uniform1i(places.periodic, Number(description.periodic));
      gl.uniform3fv(places.target, camera.target);
      gl.uniformMatrix3fv(places.turn, true, camera.rows().flat());
      gl.uniform2f(places.lens, this.reach / (canvas.width / 2) / Camera.view, this.reach / (canvas.height / 2) / Camera.view);
      gl.uniform1f(places.away, camera.distance);
      gl.uniform1f(places.size, look.size * this.ratio);
      gl.uniform1f(places.large, LARGE * this.ratio);
      gl.uniform1f(places.brightness, look.brightness);
      gl.uniform1i(places.colouring, COLOURINGS.indexOf(look.colouring));
      gl.uniform1iv(places.sparse, this.sparse);
      gl.uniform3fv(places.galaxies, this.galaxies);
      gl.uniform3fv(places.palette, this.palette);
      gl.uniform1iv(places.shown, look.shown);
      gl.uniform3fv(places.ramp, this.ramp);
      this.attach(library, numbers);
      gl.drawArrays(gl.POINTS, 0, count);
      if (look.trails || description.periodic) this.useLines(camera);
      if (description.periodic) this.drawLines(EDGES, EDGE_LIGHT, gl.LINES);
      if (look.trails) this.drawPaths(look, numbers[1] + weights[2]);
      gl.disable(gl.BLEND);
    }
    if (!this.deep) return;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.useProgram(this.screen);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // Prepares for lines.
  useLines(camera) {
    const { gl, pathPlaces } = this;
    gl.useProgram(this.paths);
    gl.uniform3fv(pathPlaces.target, camera.target);
    gl.uniformMatrix3fv(pathPlaces.turn, true, camera.rows().flat());
    gl.uniform2f(pathPlaces.lens, this.reach / (this.canvas.width / 2) / Camera.view, this.reach / (this.canvas.height / 2) / Camera.view);
    gl.uniform1f(pathPlaces.away, camera.distance);
    for (let i = 0; i <= 13; i++) gl.disableVertexAttribArray(i);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.pathBuffer);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 0, 0);
  }

  // Draws lines between places, in sides of the cube.
  drawLines(places, light, mode) {
    const { gl } = this;
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(places.flat()), gl.STREAM_DRAW);
    gl.uniform3fv(this.pathPlaces.light, light);
    gl.drawArrays(mode, 0, places.length);
  }

  // Draws the paths of the bodies of types with few bodies, from the first snapshot to number `at`. In a
  // periodic box a path ends at a face and goes on at the opposite one.
  drawPaths(look, at) {
    const { gl } = this;
    for (const { kind, places } of description.paths) {
      if (!look.shown[kind]) continue;
      const seen = places.slice(0, Math.floor(at) + 1).filter((place) => place);
      const next = places[Math.floor(at) + 1];
      const part = at - Math.floor(at);
      if (next && part > 0 && seen.length) {
        const last = seen.at(-1);
        seen.push(nearestImage(next, last).map((x, axis) => last[axis] + part * (x - last[axis])));
      }
      const light = linear(description.palette[kind]).map((part) => 0.6 * part);
      for (const piece of insideBox(seen)) this.drawLines(piece, light, gl.LINE_STRIP);
    }
  }

  attach(library, numbers) {
    const { gl } = this;
    const n = library.count;
    numbers.forEach((number, i) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, library.frame(number).buffer);
      gl.vertexAttribPointer(i, 3, gl.UNSIGNED_SHORT, false, 6, 0);
      gl.vertexAttribPointer(4 + i, 3, gl.UNSIGNED_BYTE, false, 3, 6 * n);
      gl.vertexAttribPointer(8 + i, 1, gl.UNSIGNED_BYTE, false, 1, 9 * n);
      [i, 4 + i, 8 + i].forEach((place) => gl.enableVertexAttribArray(place));
    });
    gl.bindBuffer(gl.ARRAY_BUFFER, library.kinds);
    gl.vertexAttribIPointer(12, 1, gl.UNSIGNED_BYTE, 1, 0);
    gl.enableVertexAttribArray(12);
    gl.vertexAttribI4ui(13, 0, 0, 0, 0); // without galaxies
    if (!library.galaxies) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, library.galaxies);
    gl.vertexAttribIPointer(13, 1, gl.UNSIGNED_BYTE, 1, 0);
    gl.enableVertexAttribArray(13);
  }
}
