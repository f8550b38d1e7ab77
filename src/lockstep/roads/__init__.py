"""Roads to AWS through Kubernetes: the desired fleet as manifests, and what each road cannot say.

Law: pure; a fleet in, text and losses out; imports planning and model only. A road is one file here and
a row in ``table``; roads know nothing of each other. What no road may do is refused with its reason, and
what it cannot say is told: nothing that is declared is dropped in silence.
"""
