"""Tables of what tokens say of the earlier ones that they refer to: `csrc/codec/side.c` has which table codes which symbol.

How probable a distance is depends on how many earlier tokens there are, by powers of two, and on whether it is the first one; then
come a table of weights and one of what can only be 0.
"""

__all__ = ["WEIGHT_UNIT", "distance_classes", "reference_table_count"]

WEIGHT_UNIT = 8  # a weight of 1; weights are -8 to 8 of these


def distance_classes(tokens):
    """Classes of distances, each for the first reference and for others, where `tokens` earlier ones can be referred to.

    Class c is that of 2**c to 2**(c + 1) - 1 earlier tokens.
    """
    return tokens.bit_length()


def reference_table_count(tokens, most):
    """Tables in all, where a token refers to `most` earlier ones."""
    return 2 * distance_classes(tokens) + 2 if most else 0
