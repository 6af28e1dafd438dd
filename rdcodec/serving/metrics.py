"""What a server counts, as OpenMetrics text over HTTP."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

__all__ = ["Metrics"]

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Metrics:
    """Counts of one server, each in a registry of its own.

    Parameters
    ----------
    sessions : Sessions
    """

    def __init__(self, sessions):
        self.registry = CollectorRegistry()
        of_sessions = Gauge("rdcodec_sessions", "Sessions that the server keeps.", registry=self.registry)
        of_sessions.set_function(lambda: len(sessions))
        of_bytes = Gauge("rdcodec_cache_bytes", "Memory kept for the caches of sessions.", registry=self.registry)
        of_bytes.set_function(lambda: sessions.used_bytes)
        limit = Gauge("rdcodec_cache_limit_bytes", "Memory that all caches may take together.", registry=self.registry)
        limit.set(sessions.cache_bytes)
        self.refused = Counter("rdcodec_refused", "Streams and steps that were refused.", ["status"], registry=self.registry)
        self.tokens = Counter("rdcodec_tokens", "Tokens, or rows of logits, that were sent.", registry=self.registry)
        self.received = Counter("rdcodec_received_bytes", "Bytes of the steps of heads.", registry=self.registry)
        self.sent = Counter("rdcodec_sent_bytes", "Bytes of replies.", registry=self.registry)
        self.decode = Histogram("rdcodec_decode_seconds", "Decoding of a step.", buckets=SECONDS, registry=self.registry)
        self.forward = Histogram("rdcodec_forward_seconds", "The tail's blocks for a step.", buckets=SECONDS, registry=self.registry)

    def count(self, step):
        """Count a `Step`."""
        self.tokens.inc(len(step.logits if step.tokens is None else step.tokens))
        self.decode.observe(step.decode_seconds)
        self.forward.observe(step.forward_seconds)

    def serve(self, host, port):
        """Answer GET on an address from a thread of its own; returns the port and what stops it."""
        server, thread = start_http_server(port, host, self.registry)

        def stop():
            server.shutdown()
            server.server_close()
            thread.join()

        return server.server_port, stop
