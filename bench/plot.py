"""Plots as SVG: lines and bars on a card of their own, which is dark where the reader's system is."""

import math
from html import escape

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 230, 56, 48
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.card { fill: #ffffff; stroke: #d0d7de }
.grid { stroke: #d8dee4 }
.line { fill: none; stroke-width: 2.2 }
.s0 { stroke: #0550ae } .s1 { stroke: #bc4c00; stroke-dasharray: 7 4 } .s2 { stroke: #116329; stroke-dasharray: 2 3 }
.s3 { stroke: #8250df; stroke-dasharray: 10 3 2 3 } .s4 { stroke: #a40e26; stroke-dasharray: 4 2 }
.s5 { stroke: #6e7781 } .s6 { stroke: #953800; stroke-dasharray: 1 3 }
.b0 { fill: #0550ae } .b1 { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .card { fill: #161b22; stroke: #30363d }
  .grid { stroke: #30363d }
  .s0 { stroke: #79c0ff } .s1 { stroke: #ffa657 } .s2 { stroke: #7ee787 } .s3 { stroke: #d2a8ff } .s4 { stroke: #ff7b72 }
  .s5 { stroke: #8b949e } .s6 { stroke: #f0883e }
  .b0 { fill: #58a6ff } .b1 { fill: #6e7681 }
}
"""


def svg(title, height, body):
    """Returns a whole picture."""
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text class="title" x="20" y="28">{escape(title)}</text>',
        *body,
        "</svg>\n",
    ])


def text(x, y, words, anchor="start"):
    """Returns a piece of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


class Axis:
    """Places values of an axis between two pixels."""

    def __init__(self, values, pixels, log):
        self.log, self.pixels = log, pixels
        if log:
            self.low, self.high = min(values), max(values)
        else:
            self.low, self.high = 0, max(values)
        self.ticks = self.powers() if log else self.steps()
        self.high = max(self.high, self.ticks[-1])
        self.low = min(self.low, self.ticks[0])

    def powers(self):
        """Returns the powers of ten around all values."""
        return [10.0**power for power in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)]

    def steps(self):
        """Returns four to eight round values from zero."""
        size = 10 ** math.floor(math.log10(self.high or 1))
        step = next(size * part for part in (0.2, 0.25, 0.5, 1, 2, 2.5) if self.high / (size * part) <= 7)
        return [step * at for at in range(math.ceil(self.high / step) + 1)]

    def at(self, value):
        """Returns the pixel of a value."""
        low, high, here = self.low, self.high, value
        if self.log:
            low, high, here = (math.log10(each) for each in (low, high, value))
        begin, end = self.pixels
        return begin + (end - begin) * (here - low) / ((high - low) or 1)


def named(value):
    """Returns a tick's name."""
    return f"{round(value, 6):,.10g}"


def lines(title, x_name, y_name, curves, log=(False, False)):
    """Returns a plot of curves, each a name and its points."""
    points = [point for curve in curves.values() for point in curve]
    x = Axis([each for each, _ in points], (LEFT, WIDTH - RIGHT), log[0])
    y = Axis([each for _, each in points], (HEIGHT - BOTTOM, TOP), log[1])
    body = []
    for tick in y.ticks:
        body.append(f'<path class="grid" d="M{LEFT} {y.at(tick):.1f}H{WIDTH - RIGHT}"/>')
        body.append(text(LEFT - 8, y.at(tick) + 4, named(tick), "end"))
    for tick in x.ticks:
        body.append(f'<path class="grid" d="M{x.at(tick):.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        body.append(text(x.at(tick), HEIGHT - BOTTOM + 18, named(tick), "middle"))
    body.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_name, "middle"))
    body.append(text(20, TOP - 10, y_name))
    for at, (name, curve) in enumerate(curves.items()):
        path = "L".join(f"{x.at(here):.1f} {y.at(there):.1f}" for here, there in curve)
        body.append(f'<path class="line s{at % 7}" d="M{path}"/>')
        row = TOP + 16 + at * 24
        body.append(f'<path class="line s{at % 7}" d="M{WIDTH - RIGHT + 18} {row}h34"/>')
        body.append(text(WIDTH - RIGHT + 60, row + 4, name))
    return svg(title, HEIGHT, body)


def bars(title, unit, rows, ours="gitops-steps"):
    """Returns a plot of bars, each a name, a length and what is written beside it; the shortest is the best."""
    left, height = 330, TOP + 28 * len(rows) + 30
    widest = max(length for _, length, _ in rows) or 1
    body = [text(20, height - 12, unit)]
    for at, (name, length, beside) in enumerate(rows):
        y = TOP + 28 * at
        long = max(2, (WIDTH - left - 150) * length / widest)
        body.append(text(left - 10, y + 14, name, "end"))
        body.append(f'<rect class="b{0 if name.startswith(ours) else 1}" x="{left}" y="{y}" width="{long:.1f}" height="19" rx="3"/>')
        body.append(text(left + long + 8, y + 14, beside))
    return svg(title, height, body)
