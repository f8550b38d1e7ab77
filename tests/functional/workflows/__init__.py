"""The workflows of `init --github`, run: real payloads, Git over HTTP, the local forge and a local AWS."""
