"""What the tests need to know about a PromQL expression without evaluating it.

Names of metrics and labels are found by leaving out everything that is neither: strings,
functions, keywords, numbers. `promtool` says whether an expression parses; this only says what
it talks about.
"""

import re

KEYWORDS = {
    "and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right",
    "offset", "bool", "inf", "nan",
}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')
_MATCHERS = re.compile(r"\{[^{}]*\}")
_LABEL_LIST = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_RANGE = re.compile(r"\[[^\[\]]*\]")
_NAME = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*")
_AGGREGATED = re.compile(r"\bmax(?:\s+by\s*\([^()]*\))?\s*\(\s*(?:max_over_time\()?$")


def metrics(expression):
    """Names of the metrics, in order, each with whether it stands directly inside max or max by."""
    text = _STRING.sub('""', expression)
    text = _MATCHERS.sub(lambda match: " " * len(match.group()), text)
    text = _RANGE.sub(lambda match: " " * len(match.group()), text)
    result = []
    lists = [match.span(1) for match in _LABEL_LIST.finditer(text)]
    for match in _NAME.finditer(text):
        name, (begin, end) = match.group(), match.span()
        if any(first <= begin < last for first, last in lists) or name.lower() in KEYWORDS:
            continue
        if re.match(r"\s*(?:(?:by|without)\s*\([^()]*\)\s*)?\(", text[end:]):
            continue  # a function or an aggregation
        if re.match(r"offset\s+\d", text[max(0, begin - 10):end]) or re.fullmatch(r"\d+\w+", name):
            continue
        result.append((name, bool(_AGGREGATED.search(text[:begin]))))
    return result


def labels(expression):
    """Names of the labels that matchers and grouping lists mention."""
    text = _STRING.sub('""', expression)
    result = set()
    for matchers in _MATCHERS.findall(text):
        result |= set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
    for names in _LABEL_LIST.findall(text):
        result |= set(re.findall(r"\w+", names))
    return result
