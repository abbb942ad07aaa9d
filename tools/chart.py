"""What tools/bench.py and tools/results.py share: running a command, tables in Markdown, and
charts in SVG, by the standard library alone."""
import math
import subprocess

COLOURS = ("#1b6ca8", "#d1495b", "#3a7d44", "#8d6a9f", "#c78500", "#5c6b73")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def machine():
    """Model name and caches, as the system tells them."""
    text = {}
    for line in run("lscpu").splitlines():
        name, _, value = line.partition(":")
        text[name.strip()] = value.strip()
    names = ("Model name", "CPU family", "Model", "CPU(s)", "L1d cache", "L2 cache", "L3 cache")
    return ", ".join("%s %s" % (n, text[n]) for n in names if n in text)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows])


class Panel:
    """One chart, of a fixed size; picture() puts them side by side."""
    WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 420, 260, 56, 44, 34
    legend_top = 34

    def frame(self, x0, y0, title, x_label):
        return ['<text x="%d" y="%d" class="title">%s</text>' % (x0 + 8, y0 + 18, title),
                '<text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                % (x0 + self.WIDTH / 2 + 20, y0 + self.HEIGHT - 8, x_label)]

    def legend(self, x0, y0, names):
        return ['<text x="%d" y="%d" text-anchor="end" fill="%s">%s</text>'
                % (x0 + self.WIDTH - 14, y0 + self.legend_top + 14 * n, COLOURS[n % len(COLOURS)], name)
                for n, name in enumerate(names)]


class Places(Panel):
    """One chart: lines over named places on the x axis, from zero up."""
    def __init__(self, title, x_label, places):
        self.title, self.x_label, self.places, self.series = title, x_label, [str(p) for p in places], []

    def add(self, name, values):
        self.series.append((name, values))

    def svg(self, x0, y0):
        most = max(v for _, values in self.series for v in values)
        step = next(s for s in (m * 10.0 ** e for e in range(-3, 7) for m in (1, 2, 5)) if 5 * s >= most)
        top = 1.1 * 5 * step
        x = lambda i: x0 + self.LEFT + (i + 0.5) * (self.WIDTH - self.LEFT - 12) / len(self.places)
        y = lambda v: y0 + self.HEIGHT - self.BOTTOM - v / top * (self.HEIGHT - self.BOTTOM - self.TOP)
        out = ['<text x="%d" y="%d" class="title">%s</text>' % (x0 + 8, y0 + 18, self.title)]
        for tick in range(6):
            v = step * tick
            out.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" class="grid"/>'
                       % (x0 + self.LEFT, x0 + self.WIDTH - 12, y(v), y(v)))
            out.append('<text x="%d" y="%.1f" text-anchor="end">%g</text>' % (x0 + self.LEFT - 6, y(v) + 4, v))
        for i, place in enumerate(self.places):
            out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                       % (x(i), y0 + self.HEIGHT - self.BOTTOM + 16, place))
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                   % (x0 + self.WIDTH / 2 + 20, y0 + self.HEIGHT - 8, self.x_label))
        for n, (name, values) in enumerate(self.series):
            colour = COLOURS[n % len(COLOURS)]
            points = " ".join("%.1f,%.1f" % (x(i), y(v)) for i, v in enumerate(values))
            out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (points, colour))
            out += ['<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (x(i), y(v), colour)
                    for i, v in enumerate(values)]
            out.append('<text x="%d" y="%d" text-anchor="end" fill="%s">%s</text>'
                       % (x0 + self.WIDTH - 14, y0 + 34 + 14 * n, colour, name))
        return out


class Plane(Panel):
    """One chart: points or lines over a plane, either axis logarithmic if asked for."""

    def __init__(self, title, x_label, log_x=False, log_y=False):
        self.title, self.x_label, self.log, self.series = title, x_label, (log_x, log_y), []
        self.diagonal = False

    def add(self, name, points, line=False):
        self.series.append((name, [p for p in points if all(v is not None for v in p)], line))

    def scale(self, axis):
        """Ends of an axis and its ticks."""
        values = [p[axis] for _, points, _ in self.series for p in points]
        if self.diagonal:
            values = [v for _, points, _ in self.series for p in points for v in p]
        low, high = min(values), max(values)
        if self.log[axis]:
            low, high = math.log10(low) - 0.05, math.log10(high) + 0.05
            digits = (1, 2, 5) if high - low < 2.5 else (1,)
            marks = [math.log10(m * 10.0 ** e) for e in range(-9, 10) for m in digits]
            return low, high, [(t, "%g" % 10 ** t) for t in marks if low <= t <= high]
        if high - low < 1e-9:
            low, high = low - 0.5, high + 0.5
        step = next(s for s in (m * 10.0 ** e for e in range(-6, 9) for m in (1, 2, 5))
                    if 6 * s >= (high - low or 1e-6))
        first, last = math.floor(low / step), math.ceil(high / step)
        return first * step, last * step, [(n * step, "%g" % round(n * step, 9))
                                           for n in range(first, last + 1)]

    def svg(self, x0, y0):
        (x_low, x_high, x_ticks), (y_low, y_high, y_ticks) = self.scale(0), self.scale(1)
        left, right = x0 + self.LEFT, x0 + self.WIDTH - 12
        top, bottom = y0 + self.TOP, y0 + self.HEIGHT - self.BOTTOM
        place_x = lambda t: left + (t - x_low) / (x_high - x_low) * (right - left)
        place_y = lambda t: bottom - (t - y_low) / (y_high - y_low) * (bottom - top)
        x = lambda v: place_x(math.log10(v) if self.log[0] else v)
        y = lambda v: place_y(math.log10(v) if self.log[1] else v)
        out = self.frame(x0, y0, self.title, self.x_label)
        for t, text in y_ticks:
            out.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" class="grid"/>'
                       % (left, right, place_y(t), place_y(t)))
            out.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>'
                       % (left - 6, place_y(t) + 4, text))
        for t, text in x_ticks:
            out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                       % (place_x(t), bottom + 16, text))
        if self.diagonal:
            out.append('<line x1="%d" x2="%d" y1="%d" y2="%d" stroke="#999" stroke-dasharray="4"/>'
                       % (left, right, bottom, top))
        for n, (_, points, line) in enumerate(self.series):
            colour = COLOURS[n % len(COLOURS)]
            if line:
                out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>'
                           % (" ".join("%.1f,%.1f" % (x(a), y(b)) for a, b in points), colour))
            else:
                out += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s" fill-opacity="0.7"/>'
                        % (x(a), y(b), colour) for a, b in points]
        return out + self.legend(x0, y0, [name for name, _, _ in self.series])


def picture(panels):
    rows = (len(panels) + 1) // 2
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="860" height="%d" font-family="sans-serif" '
           'font-size="11" fill="#333">' % (280 * rows + 10),
           "<style>.title{font-size:13px;font-weight:bold}.grid{stroke:#ddd}</style>",
           '<rect width="100%" height="100%" fill="white"/>']
    for i, panel in enumerate(panels):
        out += panel.svg(10 + 430 * (i % 2), 10 + 280 * (i // 2))
    return "\n".join(out + ["</svg>", ""])
