"""OpenAI's tokenizer for CLIP, as open_clip ships it, and hard prompts into golden/clip-tokenizer: the first merges, and each prompt's ids by them.

Needs `pip install open-clip-torch ftfy regex` (3.3.0, 6.3.1, 2026.5.9 were used). open_clip's copy names the two marks otherwise; here they are OpenAI's again.
"""
import argparse
import gzip
import json
import os

import open_clip.tokenizer as released
import regex

START, END = "<|startoftext|>", "<|endoftext|>"
MERGES = 4000
PROMPTS = [
    "", " \t\n", "a photograph of an astronaut riding a horse", "A  PHOTO,of\tan Astronaut!!", "...---!!!???", "x_y-z/w\\v|u~t`s^r #1 @me 100% $5",
    "café naïve été ÉTÉ ÀÉÎÕÜ ñ Ñ ç Ç", "cafe\u0301 nai\u0308ve A\u030a", "e\u0301\u0323 q\u0307\u0323", "Å Ω K",
    "👩🏽‍🚀 👨‍👩‍👧‍👦 ❤️ 🏳️‍🌈 🇯🇵", "🤖🤖🤖 ©®™ €£¥ \U0001f3f4\U000e0067\U000e0062\U000e007f", "日本語の絵 中文字符 한국어", "Привет МИР ёж", "مرحبا שלום हिन्दी ไทย",
    "1080p 4k 2023 ½ ² ١٢٣", "𝕬𝖑𝖕𝖍𝖆 𝟙𝟚 ①② Ⅷ", "can't won't I'm you're we've he'd she'll it's", "CAN'T WON'T I'M YOU'RE 'S", "it’s the dogs’ ‘quoted’ “double”", "don''t 'quoted' 'tis 'ſ",
    "İSTANBUL ẞ GROẞ ǅ Ǆ ſt", "ΟΔΟΣ ΣΟΦΟΣ Σ ΑΣ. ΑΣΑ ΑΣ'Α ΆΣ", "a\u00a0b\u2003c\u3000d\u2028e f\u000bg\u000ch\u180ei", "a\u200bb\u200dc\ufeffd\u0000e\u001ff\u007fg\u206ah\ufffci",
    "\u001b[31mred\u001b[0m", "line one\nline two\r\nline three", "ﬁne ﬂower oﬃce Ĳsselmeer ŉ ﬅ", "ＦＵＬＬ　ＷＩＤＴＨ １２３ ｶﾀｶﾅ ﾊﾟﾋﾞ ￡", "fish &amp; chips &lt;b&gt; &quot;x&quot; &#39;y&#x27; a&nbsp;b &amp;lt;",
    "<|startoftext|> a cat <|endoftext|>", "a<|endoftext|>b <|STARTOFTEXT|>", "(a red circle:1.3) [b] {c}",
    "supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\ufffd",
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default="../clip-tokenizer")
    folder = parser.parse_args().out
    lines = gzip.open(released.default_bpe()).read().decode("utf-8").split("\n")[: MERGES + 1]
    path = os.path.join(folder, "merges.txt.gz")
    with open(path, "wb") as file:
        file.write(gzip.compress("\n".join(lines).encode("utf-8"), 9, mtime=0))
    tokenizer = released.SimpleTokenizer(path)
    for ours, theirs in ((START, "<start_of_text>"), (END, "<end_of_text>")):
        tokenizer.encoder[ours] = tokenizer.encoder.pop(theirs)
    tokenizer.cache = {START: START, END: END}
    marks = "|".join(regex.escape(mark) for mark in (START, END))
    tokenizer.pat = regex.compile(marks + r"|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE)
    rows = ",\n".join(json.dumps([text, tokenizer.encode(text)]) for text in PROMPTS)
    with open(os.path.join(folder, "prompts.json"), "w") as file:
        file.write(f"[\n{rows}\n]\n")


main()
