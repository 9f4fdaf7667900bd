// Loads the bodies from the elements of this page or from its server. Bodies are ordered by a hash
// of their ids. So the first n bodies are a fair sample of all, for any n.

const description = JSON.parse(document.getElementById("description").textContent);

const fromBase64 = Uint8Array.fromBase64?.bind(Uint8Array) ?? ((text) => {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
});

async function bytesOf(path) {
  if (!description.served) return fromBase64(document.getElementById(path).textContent.trim());
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return new Uint8Array(await answer.arrayBuffer());
}

// Loads snapshots into graphics memory, the wanted ones first. If memory is short, the snapshots
// farthest in time from the shown one are removed.
class Library {
  static limit = 1 << 30; // bytes of graphics memory

  constructor(gl) {
    this.gl = gl;
    this.count = description.count;
    this.frames = new Map(); // number -> { buffer, loaded }
    this.most = Math.max(4, Math.floor(Library.limit / (10 * this.count)));
    this.onprogress = () => {};
  }

  frame(number) {
    return this.frames.get(number);
  }

  // Number of bodies of a snapshot that can be drawn.
  loaded(number) {
    return this.frames.get(number)?.loaded ?? 0;
  }

  isWhole(number) {
    return this.loaded(number) === this.count;
  }

  // Loads the types of the bodies and, if they are known, their galaxies.
  async loadKinds() {
    const { gl } = this;
    const buffer = async (name) => {
      const bytes = await bytesOf(name);
      const made = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, made);
      gl.bufferData(gl.ARRAY_BUFFER, bytes, gl.STATIC_DRAW);
      return made;
    };
    this.kinds = await buffer("kinds");
    if (description.galaxies.length) this.galaxies = await buffer("galaxies");
  }

  // Loads the snapshots in `wanted` until all are loaded.
  async run(wanted) {
    for (;;) {
      const order = wanted().slice(0, this.most);
      const next = order.find((number) => !this.isWhole(number));
      if (next === undefined) await new Promise((done) => setTimeout(done, 50));
      else await this.load(next, order);
    }
  }

  async load(number, order) {
    const { gl, count } = this;
    if (!this.frames.has(number)) {
      this.makeRoom(order);
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, 10 * count, gl.STATIC_DRAW);
      this.frames.set(number, { buffer, loaded: 0 });
    }
    const frame = this.frames.get(number);
    const first = frame.loaded;
    const length = Math.min(description.piece, count - first);
    const bytes = await bytesOf(`frames/${number}/${first / description.piece}`);
    if (bytes.length !== 10 * length) throw new Error(`snapshot ${number} is incomplete`);
    gl.bindBuffer(gl.ARRAY_BUFFER, frame.buffer);
    gl.bufferSubData(gl.ARRAY_BUFFER, 6 * first, bytes, 0, 6 * length); // upper 16 bits of three coordinates
    gl.bufferSubData(gl.ARRAY_BUFFER, 6 * count + 3 * first, bytes, 6 * length, 3 * length); // lower 8 bits
    gl.bufferSubData(gl.ARRAY_BUFFER, 9 * count + first, bytes, 9 * length, length); // speed
    frame.loaded += length;
    this.onprogress();
  }

  makeRoom(order) {
    for (const number of [...this.frames.keys()]) {
      if (this.frames.size < this.most) return;
      if (order.includes(number)) continue;
      this.gl.deleteBuffer(this.frames.get(number).buffer);
      this.frames.delete(number);
    }
  }
}
