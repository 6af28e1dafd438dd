"""What `rdcodec plan` would say of the links that were measured, from times that it takes just then."""

from rdcodec.planning import Link, RatePoint, measure_codec, measure_parts, plan

__all__ = ["options_of", "print_errors"]


def options_of(methods, part, ids, prompt):
    """An `Option` of each method, by name, for a prompt of so many tokens; some more of ids [1, tokens] come behind it."""
    layer, channels = part.site.layer, part.site.channels
    parts, states = measure_parts(part.site.model, [layer], ids)
    points, costs = [], []
    for method in methods:
        here = method.head.session()
        bits = 8 * sum(len(frame) for frame in here.frames([states[layer][:prompt]])[0]) / prompt
        points.append(RatePoint(layer, method.name, None, channels, bits, 0.0, 0.0, 0.0, single=False))
        costs.append(measure_codec(method.codec, states[layer], layer, method.name))
    return {option.method: option for option in plan(points, parts, costs, prompt)}


def print_errors(rows, options):
    """The first token and those behind it, as planned and as measured."""
    print("| link (round trip) | method | first token: planned, ms | measured | error | a step: planned, ms | measured | error |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        option, link = options[row.method], Link(1e6 * (row.megabits or 1e6), row.round_trip)
        first, following = option.first_token(link), option.next_token(link)
        print(
            f"| {row.link} | {row.method} | {1e3 * first:.0f} | {1e3 * row.prompt_seconds:.0f} | {first / row.prompt_seconds - 1:+.0%} |"
            f" {1e3 * following:.1f} | {1e3 * row.step_seconds:.1f} | {following / row.step_seconds - 1:+.0%} |"
        )
