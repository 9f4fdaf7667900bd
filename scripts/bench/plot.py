"""Line plots as SVG with logarithmic or linear axes: only what the pages in docs need."""

import math
from html import escape

# Okabe & Ito (2008), also distinct for colour-blind readers. Each series also has its own marker.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["circle", "square", "up", "diamond", "down", "cross", "circle"]
WIDTH, HEIGHT = 860, 520
LEFT, RIGHT, TOP, BOTTOM = 92, 190, 48, 66


class Plot:
    """One plot. `series` adds a line, `level` a horizontal line with a name. `linear` lists the
    linear axes ("x", "y")."""

    def __init__(self, title, x_label, y_label, linear=""):
        self.title, self.x_label, self.y_label = title, x_label, y_label
        self.x_axis, self.y_axis = (Linear if axis in linear else Axis for axis in "xy")
        self.lines, self.levels = [], []

    def series(self, label, points, style, dashed=False):
        """`points` are (x, y), joined in order of x; `style` numbers colour and marker."""
        if points:
            self.lines.append((label, sorted(points), style % len(COLOURS), dashed))

    def level(self, label, y):
        self.levels.append((label, y))

    def svg(self):
        xs = self.x_axis([x for _, points, _, _ in self.lines for x, _ in points], LEFT, WIDTH - RIGHT)
        ys = self.y_axis([y for _, points, _, _ in self.lines for _, y in points] + [y for _, y in self.levels], HEIGHT - BOTTOM, TOP)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
            ' font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="14">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            text(0.5 * (LEFT + WIDTH - RIGHT), 28, self.title, size=17),
            *self.grid(xs, ys),
        ]
        for label, y in self.levels:
            at = ys.place(y)
            parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#444" stroke-dasharray="2 4"/>')
            parts.append(text(LEFT + 6, at - 5, label, anchor="start", size=12, colour="#444"))
        for row, line in enumerate(self.lines):
            parts += self.line(line, xs, ys, TOP + 14 + 22 * row)
        return "\n".join([*parts, "</svg>"]) + "\n"

    def grid(self, xs, ys):
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        for value, label in xs.ticks():
            at = xs.place(value)
            yield f'<path d="M{at:.1f} {TOP}V{bottom}" stroke="{"#ddd" if label else "#f0f0f0"}"/>'
            yield text(at, bottom + 20, label)
        for value, label in ys.ticks():
            at = ys.place(value)
            yield f'<path d="M{LEFT} {at:.1f}H{right}" stroke="{"#ddd" if label else "#f0f0f0"}"/>'
            yield text(LEFT - 8, at + 5, label, anchor="end")
        yield f'<rect x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{bottom - TOP}" fill="none" stroke="black"/>'
        yield text(0.5 * (LEFT + right), HEIGHT - 18, self.x_label, size=15)
        middle = 0.5 * (TOP + bottom)
        yield f'<g transform="rotate(-90 24 {middle})">{text(24, middle, self.y_label, size=15)}</g>'

    def line(self, line, xs, ys, legend):
        label, points, style, dashed = line
        colour, dash = COLOURS[style], ' stroke-dasharray="7 5"' if dashed else ""
        places = [(xs.place(x), ys.place(y)) for x, y in points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
        x = WIDTH - RIGHT + 12
        yield f'<path d="M{x} {legend}h34" stroke="{colour}" stroke-width="2"{dash}/>'
        yield text(x + 42, legend + 5, label, anchor="start")
        for place in [*places, (x + 17, legend)]:
            yield marker(MARKERS[style], *place, colour, hollow=dashed)


class Axis:
    """From logarithms to pixels, with room at both ends."""

    scale = staticmethod(math.log10)

    def __init__(self, values, begin, end):
        low, high = (self.scale(f(values)) for f in (min, max))
        room = 0.04 * (high - low) or 0.5
        self.low, self.high, self.begin, self.end = low - room, high + room, begin, end

    def place(self, value):
        return self.begin + (self.scale(value) - self.low) / (self.high - self.low) * (self.end - self.begin)

    def ticks(self):
        """Values and labels: powers of ten and the values between; if there are few, 2 and 5 have
        labels too."""
        many = self.high - self.low > 2.5
        for power in range(math.floor(self.low), math.ceil(self.high) + 1):
            for digit in range(1, 10):
                value = digit * 10.0**power
                if self.low <= math.log10(value) <= self.high:
                    named = digit == 1 or (digit in (2, 5) and not many)
                    yield value, number(digit, power) if named else ""


class Linear(Axis):
    """The same for a linear axis."""

    scale = staticmethod(float)

    def ticks(self):
        """Five to ten round values, all with labels."""
        rough = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = max(digit for digit in (1, 2, 5) if digit * power <= rough) * power
        for k in range(math.ceil(self.low / step), math.floor(self.high / step) + 1):
            yield k * step, f"{round(k * step, 12):g}"


def number(digit, power):
    """A tick's label: plain from 0.001 to 1000, else as a power of ten."""
    if -3 <= power <= 3:
        return f"{digit * 10.0**power:g}"
    superscript = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{superscript}" if digit == 1 else f"{digit}·10{superscript}"


def text(x, y, words, anchor="middle", size=14, colour="black"):
    if not words:
        return ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(words)}</text>'


def marker(shape, x, y, colour, hollow):
    paint = f'fill="{"white" if hollow else colour}" stroke="{colour}" stroke-width="1.6"'
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" {paint}/>'
    outline = {
        "square": "m-4.2 -4.2h8.4v8.4h-8.4z",
        "up": "m0 -5.4l5 9h-10z",
        "down": "m0 5.4l5 -9h-10z",
        "diamond": "m0 -6l5 6l-5 6l-5 -6z",
        "cross": "m-4.5 -4.5l9 9m0 -9l-9 9",
    }[shape]
    return f'<path d="M{x:.1f} {y:.1f}{outline}" {paint}/>'
