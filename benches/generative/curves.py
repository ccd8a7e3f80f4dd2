"""Draws the Fréchet distance over CPU seconds of what `run.py` measured, as an SVG file."""

import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 56, 150, 16, 44
# Colours that the colour-blind can tell (Okabe and Ito 2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
TICKS = {"x": (2, 5, 10, 20, 50, 100, 200, 500), "y": (2, 5, 10, 20, 50, 100, 200)}


def lines(rows):
    """The points of each model, in the order in which they were measured."""
    found = {}
    for row in rows:
        name = row.get("preset") or f"PyTorch, {row['peer']}"
        found.setdefault(name, []).append((row["cpu_seconds"], row["FD"]))
    return found


def scale(values, low, high):
    """From numbers to places, both by their logarithms."""
    first, last = math.log(min(values) / 1.15), math.log(max(values) * 1.15)
    return lambda v: low + (math.log(v) - first) / (last - first) * (high - low)


def draw(quality, peers, floor):
    """Ours as whole lines, PyTorch's of the same kind dashed in the same colour, and the floor."""
    found = lines(quality + peers)
    points = [point for line in found.values() for point in line]
    x = scale([p[0] for p in points], LEFT, WIDTH - RIGHT)
    y = scale([p[1] for p in points] + [floor], HEIGHT - BOTTOM, TOP)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]

    def text(at, words, **more):
        rest = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
        out.append(f'<text x="{at[0]:.1f}" y="{at[1]:.1f}"{rest}>{words}</text>')

    def line(a, b, stroke, **more):
        rest = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
        ends = f'x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}"'
        out.append(f'<line {ends} stroke="{stroke}"{rest}/>')

    for value in TICKS["x"]:
        if LEFT <= x(value) <= WIDTH - RIGHT:
            line((x(value), TOP), (x(value), HEIGHT - BOTTOM), "#e4e4e4")
            text((x(value), HEIGHT - BOTTOM + 16), value, text_anchor="middle", fill="#444")
    for value in TICKS["y"]:
        if TOP <= y(value) <= HEIGHT - BOTTOM:
            line((LEFT, y(value)), (WIDTH - RIGHT, y(value)), "#e4e4e4")
            text((LEFT - 6, y(value) + 4), value, text_anchor="end", fill="#444")
    text(((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8), "CPU seconds of training", text_anchor="middle")
    middle = (TOP + HEIGHT - BOTTOM) / 2
    text((14, middle), "Fréchet distance", text_anchor="middle", transform=f"rotate(-90 14 {middle})")
    line((LEFT, y(floor)), (WIDTH - RIGHT, y(floor)), "#444", stroke_dasharray="2 3")
    text((WIDTH - RIGHT + 6, y(floor) + 4), "train beside test", fill="#444")
    kinds, ends = list(dict.fromkeys(name.removeprefix("PyTorch, ") for name in found)), []
    for name, path in found.items():
        colour = COLOURS[kinds.index(name.removeprefix("PyTorch, ")) % len(COLOURS)]
        dashed = ' stroke-dasharray="6 4"' if name.startswith("PyTorch") else ""
        places = [(x(a), y(b)) for a, b in path]
        corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
        out.append(f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in places]
        ends.append((places[-1][1], name, colour))
    # Names stand beside the ends of their lines, one below the other.
    at = TOP
    for place, name, colour in sorted(ends):
        at = max(place, at + 14)
        text((WIDTH - RIGHT + 6, at + 4), name, fill=colour)
    return "\n".join([*out, "</svg>", ""])
