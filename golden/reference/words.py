"""Turns captions into the token ids of models/mini.tokenizer.json (words, in lower case, between <start> and <end>)."""
import json
import os
import re

_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models/mini.tokenizer.json")
with open(_FILE) as _file:
    VOCABULARY = json.load(_file)["model"]["vocab"]
LENGTH = 16


def tokenize(caption, length=LENGTH):
    """<start>, words, <end>, then <pad> up to `length`; the empty prompt is <start>, <end> and pads."""
    words = re.findall(r"\w+|[^\w\s]+", caption.lower())
    ids = [VOCABULARY["<start>"], *(VOCABULARY.get(w, VOCABULARY["<unk>"]) for w in words), VOCABULARY["<end>"]]
    return ids + [VOCABULARY["<pad>"]] * (length - len(ids))
