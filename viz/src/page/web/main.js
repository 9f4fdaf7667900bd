// Plays the snapshots, and draws when something has changed.

class Player {
  constructor(library) {
    this.library = library;
    this.last = description.frames.length - 1;
    this.at = 0; // number of a snapshot, plus the fraction of the interval to the next
    this.playing = false;
    this.rate = 1;
    const times = description.frames.map((frame) => frame.time);
    const rising = times.every((time, i) => i === 0 || time > times[i - 1]);
    this.times = rising ? times : times.map((_, i) => i);
  }

  get label() {
    return description.frames[Math.round(this.at)].label;
  }

  toggle() {
    if (this.last === 0) return;
    this.playing = !this.playing;
    if (this.playing && this.at >= this.last) this.at = 0;
    redraw();
  }

  step(by) {
    this.playing = false;
    this.go(by > 0 ? Math.floor(this.at + 1) : Math.ceil(this.at - 1));
  }

  go(at) {
    this.at = Math.min(Math.max(at, 0), this.last);
    redraw();
  }

  // Advances by some seconds. On average, ten snapshots take one second, at a constant rate of
  // simulation time. Waits for snapshots that are not loaded yet.
  advance(seconds) {
    if (!this.playing) return;
    const { times, last } = this;
    const i = Math.min(Math.floor(this.at), last - 1);
    const mean = (times[last] - times[0]) / last;
    const next = this.at + (10 * this.rate * seconds * mean) / (times[i + 1] - times[i]);
    const ready = this.library.isWhole(Math.min(Math.floor(next) + 1, last)) && this.library.isWhole(Math.min(Math.floor(next), last));
    if (ready) this.at = next;
    if (this.at >= last) [this.at, this.playing] = [last, false];
  }

  // Snapshots in the order in which they are needed.
  wanted() {
    const first = Math.min(Math.floor(this.at), this.last);
    const after = Array.from({ length: this.last + 1 }, (_, i) => first + i).filter((i) => i <= this.last);
    const before = Array.from({ length: first }, (_, i) => first - 1 - i);
    const near = [first, first + 1, first - 1, first + 2].filter((i) => i >= 0 && i <= this.last);
    return [...new Set([...near, ...after, ...before])];
  }

  // The four snapshots around the displayed time and their weights. They give the Hermite cubic
  // through the middle two, with slopes from their neighbours.
  mixture() {
    const { times, last, library } = this;
    const b = Math.min(Math.floor(this.at), last);
    if (b === this.at || library.loaded(b + 1) === 0) return { numbers: [b, b, b, b], weights: [0, 1, 0, 0] };
    const c = b + 1;
    const a = b > 0 && library.isWhole(b - 1) ? b - 1 : b;
    const d = c < last && library.isWhole(c + 1) ? c + 1 : c;
    const u = this.at - b;
    const span = times[c] - times[b];
    const [left, right] = [(span * (u ** 3 - 2 * u ** 2 + u)) / (times[c] - times[a]), (span * (u ** 3 - u ** 2)) / (times[d] - times[b])];
    const rise = 3 * u ** 2 - 2 * u ** 3;
    return { numbers: [a, b, c, d], weights: [-left, 1 - rise - right, rise + left, right] };
  }
}

const canvas = element("stage");
const say = (text) => (element("message").textContent = text);
const gl = canvas.getContext("webgl2", { antialias: false, alpha: false });
let dirty = true;
const redraw = () => (dirty = true);

async function start() {
  if (!gl) throw new Error("this browser offers no WebGL2, with which the bodies are drawn");
  canvas.addEventListener("webglcontextlost", () => say("the graphics memory was lost: load the page again"));
  const library = new Library(gl);
  const stage = new Stage(canvas, gl);
  const camera = new Camera();
  const player = new Player(library);
  // The more bodies, the less light each of them has, so that they do not saturate the picture.
  const size = Math.min(6, Math.max(1.5, 300 / Math.sqrt(description.count)));
  const usual = Math.min(1, 60 / Math.sqrt(description.count) / size);
  const look = { size, usual, brightness: usual, colouring: "type", trails: false, shown: new Int32Array(KINDS).fill(1) };
  const controls = new Controls(canvas, camera, player, look, redraw);
  const state = { drawn: 0, frames: 0, camera, player, look, controls, whole: () => description.frames.every((_, i) => library.isWhole(i)) };
  window.heorot = state;

  const draw = () => {
    const { numbers, weights } = player.mixture();
    state.drawn = Math.min(...numbers.map((number) => library.loaded(number)));
    stage.draw(library, numbers, weights, state.drawn, camera, look);
    state.frames += 1;
    controls.follow(stage);
    say(state.drawn < description.count ? `loading ${Math.floor((100 * state.drawn) / description.count)} %` : "");
  };
  controls.drawNow = draw;
  controls.stage = stage;
  let last = performance.now();
  const turn = (now) => {
    player.advance(Math.min((now - last) / 1000, 0.25));
    last = now;
    if (dirty || player.playing) {
      dirty = false;
      draw();
    }
    requestAnimationFrame(turn);
  };
  say("loading");
  await library.loadKinds();
  library.onprogress = redraw;
  requestAnimationFrame(turn);
  await library.run(() => player.wanted());
}

start().catch((error) => {
  say(error.message);
  throw error;
});
