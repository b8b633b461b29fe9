"""Metrics of labelled data: SQuAD, classification, tagging, masked words."""
