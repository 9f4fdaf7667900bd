// Mouse, keyboard and panel. Changes are drawn in the next animation frame.

const element = (id) => document.getElementById(id);

const LENGTHS = [["AU", 1.495978707e13], ["pc", 3.0856775814913673e18], ["kpc", 3.0856775814913673e21], ["Mpc", 3.0856775814913673e24], ["Gpc", 3.0856775814913673e27]];

// The longest of 1, 2, 5, 10, ... units that is at most `longest`, and its label.
function roundLength(longest) {
  const cm = description.length_in_cm;
  const [name, unit] = cm ? (LENGTHS.findLast(([, size]) => longest * cm >= size) ?? LENGTHS[0]).map((part, i) => (i ? part / cm : part)) : ["code units", 1];
  const power = 10 ** Math.floor(Math.log10(longest / unit));
  const number = [5, 2, 1].find((digit) => digit * power <= (longest / unit) * (1 + 1e-9)) * power;
  return { length: number * unit, text: `${Number(number.toPrecision(1))} ${name}` };
}

class Controls {
  constructor(canvas, camera, player, look, redraw) {
    Object.assign(this, { canvas, camera, player, look, redraw });
    this.fingers = new Map();
    this.pointer();
    this.panel();
    window.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("resize", redraw);
  }

  pointer() {
    const { canvas, camera, fingers } = this;
    const place = (event) => ({ x: event.clientX, y: event.clientY });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      canvas.focus();
      fingers.set(event.pointerId, place(event));
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));
    canvas.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const now = place(event);
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      fingers.set(event.pointerId, now);
      const side = Math.min(canvas.clientWidth, canvas.clientHeight);
      const [right, down] = [(now.x - before.x) / side, (now.y - before.y) / side];
      if (other) {
        const apart = (a) => Math.hypot(a.x - other.x, a.y - other.y);
        const angle = (a) => Math.atan2(a.y - other.y, a.x - other.x);
        if (apart(before) > 0 && apart(now) > 0) camera.zoom(apart(now) / apart(before));
        camera.roll(angle(before) - angle(now));
        camera.pan(right / 2, -down / 2);
      } else if (event.buttons & 2 || event.buttons & 4 || event.shiftKey) camera.pan(right, -down);
      else camera.turn(right * Math.PI, down * Math.PI);
      this.redraw();
    });
    canvas.addEventListener("dblclick", () => this.home());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      camera.zoom(Math.exp(-0.002 * lines * event.deltaY));
      this.redraw();
    }, { passive: false });
  }

  panel() {
    const { look, player } = this;
    document.title = `Heorot: ${description.frames[0].name}`;
    const number = (n) => n.toLocaleString("en");
    const { count, total } = description;
    element("summary").textContent = count < total ? `${number(count)} of ${number(total)} bodies` : `${number(count)} bodies`;
    const modes = COLOURINGS.filter((mode) => mode !== "galaxy" || description.galaxies.length > 0).map((mode) => new Option(mode, mode));
    element("colour").append(...modes);
    const slider = (id, value, change) => {
      element(id).value = value;
      element(id).addEventListener("input", () => { change(Number(element(id).value)); this.redraw(); });
    };
    slider("size", Math.log2(look.size), (x) => (look.size = 2 ** x));
    slider("brightness", 0, (x) => (look.brightness = look.usual * 2 ** x));
    slider("rate", 0, (x) => (player.rate = 2 ** x));
    element("colour").addEventListener("change", () => { look.colouring = element("colour").value; this.legend(); this.redraw(); });
    const moving = description.paths.length > 0 && description.frames.length > 1;
    element("trails-row").hidden = !moving;
    element("trails").addEventListener("change", () => { look.trails = moving && element("trails").checked; this.redraw(); });
    element("home").addEventListener("click", () => this.home());
    element("screenshot").addEventListener("click", () => this.save());
    element("play").addEventListener("click", () => player.toggle());
    element("frame").max = player.last;
    element("frame").addEventListener("input", () => player.go(Number(element("frame").value)));
    document.body.classList.toggle("still", player.last === 0);
    if (innerWidth < 600) element("panel").open = false;
    this.legend();
  }

  legend() {
    const { look } = this;
    const colour = ([r, g, b]) => `rgb(${r} ${g} ${b})`;
    if (look.colouring === "galaxy") {
      element("legend").replaceChildren(...description.galaxies.map((rgb, i) => {
        const row = document.createElement("label");
        const spot = document.createElement("i");
        spot.style.background = colour(rgb);
        row.append(spot, description.galaxy_names[i]);
        return row;
      }));
      return;
    }
    if (look.colouring === "speed") {
      const ramp = Object.assign(document.createElement("div"), { id: "ramp" });
      ramp.style.background = `linear-gradient(to right, ${description.ramp.map(colour).join()})`;
      const ends = Object.assign(document.createElement("div"), { className: "row" });
      ends.append("0", Object.assign(document.createElement("span"), { textContent: `${Number(description.speed.most.toPrecision(3))} ${description.speed.unit} and more` }));
      element("legend").replaceChildren(ramp, ends);
      return;
    }
    element("legend").replaceChildren(...description.kinds.map(({ kind, name }) => {
      const row = document.createElement("label");
      const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: look.shown[kind] === 1 });
      box.addEventListener("change", () => { look.shown[kind] = box.checked ? 1 : 0; this.redraw(); });
      const spot = document.createElement("i");
      spot.style.background = colour(description.palette[kind]);
      row.append(box, spot, name);
      return row;
    }));
  }

  home() {
    this.camera.reset();
    this.redraw();
  }

  nudge(id, by) {
    element(id).value = Number(element(id).value) + by;
    element(id).dispatchEvent(new Event("input"));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // A slider or a list with the focus keeps the keys that move it.
    const inField = event.target.matches?.("input, select");
    if (inField && /^(Arrow|Home|End|Page)/.test(event.key)) return;
    const { camera, player } = this;
    const step = 0.08;
    const keys = {
      " ": () => player.toggle(),
      ".": () => player.step(1),
      ",": () => player.step(-1),
      ArrowLeft: () => camera.turn(-step, 0),
      ArrowRight: () => camera.turn(step, 0),
      ArrowUp: () => camera.turn(0, -step),
      ArrowDown: () => camera.turn(0, step),
      "+": () => camera.zoom(1.15),
      "=": () => camera.zoom(1.15),
      "-": () => camera.zoom(1 / 1.15),
      x: () => camera.look("x"),
      y: () => camera.look("y"),
      z: () => camera.look("z"),
      "[": () => this.nudge("size", -0.3),
      "]": () => this.nudge("size", 0.3),
      b: () => this.nudge("brightness", 0.3),
      d: () => this.nudge("brightness", -0.3),
      c: () => { const list = element("colour"); list.selectedIndex = (list.selectedIndex + 1) % list.length; list.dispatchEvent(new Event("change")); },
      t: () => { element("trails").checked = !element("trails").checked; element("trails").dispatchEvent(new Event("change")); },
      r: () => this.home(),
      s: () => this.save(),
      h: () => document.body.classList.toggle("bare"),
    };
    const action = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
    this.redraw();
  }

  // Updates time, scale bar and player.
  follow(stage) {
    const { camera, player } = this;
    element("time").textContent = player.label;
    element("frame").value = player.at;
    element("play").textContent = player.playing ? "❚❚" : "▶";
    const pixels = stage.reach / stage.ratio / (camera.distance * Camera.view * description.side);
    this.bar = roundLength((0.22 * this.canvas.clientWidth) / pixels);
    this.bar.pixels = this.bar.length * pixels;
    element("scale-bar").style.width = `${this.bar.pixels}px`;
    element("scale-text").textContent = this.bar.text;
  }

  // The picture with time and scale bar at twice the size of the window, as PNG.
  picture() {
    const { canvas, bar, player, stage } = this;
    stage.magnify = 2;
    this.drawNow();
    try {
      return this.copied(canvas, bar, player);
    } finally {
      stage.magnify = 1;
      this.drawNow();
    }
  }

  copied(canvas, bar, player) {
    const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
    const pen = copy.getContext("2d");
    pen.drawImage(canvas, 0, 0);
    const font = Math.max(14, Math.round(Math.min(copy.width, copy.height) / 40));
    const ratio = canvas.width / canvas.clientWidth;
    pen.font = `${font}px system-ui, sans-serif`;
    pen.fillStyle = "#ddd";
    pen.fillText(player.label, font, 1.6 * font);
    pen.fillText(bar.text, font, copy.height - font);
    pen.fillRect(font, copy.height - 2.5 * font, bar.pixels * ratio, font / 6);
    return copy;
  }

  save() {
    const { name } = description.frames[Math.round(this.player.at)];
    const file = `${name.replace(/\.[^.]*$/, "")}.png`;
    this.picture().toBlob((blob) => {
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: file });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }
}
