"""What there is to compare with: the usual ways to send hidden states, and published methods, all under the contract of `Codec`."""

from rdcodec.evaluation.baselines.published import published_settings
from rdcodec.evaluation.baselines.usual import baseline_settings

__all__ = ["baseline_settings", "published_settings"]
