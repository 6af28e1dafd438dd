"""The model and the windows of these tests."""

from small_model import model, windows  # noqa: F401
