"""Speed, measured: python -m benchmarks.step, .loader, .epoch, .evaluation, .startup."""
