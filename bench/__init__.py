"""Side-by-side benchmarks of Edgeward and the caches an operator would otherwise choose.

Run `python -m bench` from the repository root. Every server gets the same content, certificate, requests and
CPU; the figure is requests per CPU-second of the server's whole process tree. What is compared, and what each
server logs while it is measured, is written down in `bench/README.md`.
"""
