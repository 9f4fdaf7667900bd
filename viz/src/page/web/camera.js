// The camera looks from `distance` at `target`. Its rotation is a unit quaternion [x, y, z, w].

const multiply = ([a, b, c, d], [e, f, g, h]) => [
  d * e + a * h + b * g - c * f,
  d * f - a * g + b * h + c * e,
  d * g + a * f - b * e + c * h,
  d * h - a * e - b * f - c * g,
];

const about = ([x, y, z], angle) => {
  const s = Math.sin(angle / 2);
  return [x * s, y * s, z * s, Math.cos(angle / 2)];
};

const half = Math.SQRT1_2;
// Views from +z with y up, from -y with z up, and from +x with z up.
const AXES = { z: [0, 0, 0, 1], y: [-half, 0, 0, half], x: [-0.5, -0.5, -0.5, 0.5] };

class Camera {
  static view = Math.tan((20 * Math.PI) / 180); // half the shorter side, at distance 1

  constructor() {
    this.reset();
  }

  reset() {
    this.target = [...description.home.centre];
    this.distance = description.home.radius / Camera.view;
    this.turned = AXES.z;
  }

  // Rows of the rotation from world to eye coordinates: x to the right, y up, z towards the eye.
  rows() {
    const [x, y, z, w] = this.turned;
    return [
      [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
      [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
      [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ];
  }

  // Rotates by an angle to the right and down [radians], as a hand turns a globe.
  turn(right, down) {
    const turned = multiply(multiply(about([0, 1, 0], right), about([1, 0, 0], down)), this.turned);
    const length = Math.hypot(...turned);
    this.turned = turned.map((part) => part / length);
  }

  roll(angle) {
    this.turned = multiply(about([0, 0, 1], angle), this.turned);
  }

  look(axis) {
    this.turned = AXES[axis];
  }

  // Moves the view by a fraction of the shorter side of the picture.
  pan(right, up) {
    const [x, y] = this.rows();
    const span = 2 * this.distance * Camera.view;
    this.target = this.target.map((place, i) => place - span * (right * x[i] + up * y[i]));
  }

  zoom(factor) {
    const { radius } = description.home;
    this.distance = Math.min(Math.max(this.distance / factor, 1e-6 * radius), 1e4 * radius);
  }
}
