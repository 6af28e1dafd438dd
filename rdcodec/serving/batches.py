"""One-token steps of several sessions in one forward pass: caches of different lengths side by side."""


__all__ = ["steps_together"]


def steps_together(jobs):
    """The steps of several sessions of one tail.

    Parameters
    ----------
    jobs : list of tuple
        Arguments of `TailSession.step` behind the session. More than one only of sessions that `is_steady`, none twice.

    Returns
    -------
    list of Step or Exception
        Of each job.
    """
    return [_alone(*job) for job in jobs]


def _alone(state, frames, max_tokens):
    try:
        return state.step(frames, max_tokens)
    except Exception as error:  # of this session alone: others go on
        return error
