"""Metrics of labelled data: SQuAD, classification, tagging, and masked words."""
