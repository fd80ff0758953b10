"""Simple taggers to measure the fine-tuned ones against."""
