"""Figures that name a quantity, a standard or a discount, and so are nobody's order or model number."""

from __future__ import annotations

import re

UNIT = re.compile(
    r"\d+(?:[x/-]\d+)*(?:gb|tb|mb|kb|mah|wh|w|kw|v|a|ma|hz|khz|mhz|ghz|mm|cm|m|km|kg|g|mg|ml|cl|l|oz|lb|lbs|in|"
    r"inch|ft|k|p|px|mp|x|"
    r"st|nd|rd|th|h|hrs?|hr|min|mins|sec|s|d|days?|am|pm|pcs|szt|er|e|a|eme|rb|jt|ribu|nm|db|c|f|tys|yr|yrs|yo|"
    r"star|lum|lm|kcal|"
    r"pack|cal|atm|bar|rpm|dpi|fps|bit|g|way|in1|gen|pin|port|person|мл|мм|см|гб|шт|кг|г|л|м|ч|лет|го|й|я|ая|ий)",
    re.IGNORECASE,
)
"""A figure with its unit, or a figure with an ordinal's ending."""

WORDS_WITH_DIGITS = re.compile(
    r"covid-?19|mp[34]|h26[45]|x26[45]|utf-?\d+|usb-?\d?|usb-?c|ip[x6]\d|ipx?\d\d?|spf-?\d+|ddr\d|hdmi\d?|"
    r"wi-?fi-?\d?|dvb-t2|b2[bc]|2fa|"
    r"4k|8k|5g|4g|3d|2d|rj-?45|cr\d{4}|lr\d{2,3}|aa+|iso-?\d+|en-?\d+|rtx-?\d+|gtx-?\d+|ps[1-5]|a[0-6]|e\d{1,3}|"
    r"k-\d|\d-\d|q[1-4]|"
    r"s\d{1,2}|m[1-4]|v\d{1,2}|win(?:dows)?-?1[01]|24/7|24h|no\d+|nr\d+|h\+\d|type-?\d+|cat\d|t-?shirt\d*|"
    r"vit-?\w\d*|b12|d3|omega-?3|"
    r"article\d*|\d{1,3}-\d{1,3}|\d+/\d+|co2|h2o|f1|u2|r2d2|oled\d*|ios-?\d+|android-?\d+|e-?27|e-?14|gu-?10",
    re.IGNORECASE,
)
"""Everyday words with figures in them: standards, sockets, paper sizes."""

PROMO = re.compile(r"[A-Z]{4,}\d{1,3}")
"""How shops spell discount codes."""

VAT = re.compile(
    r"(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|GR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|"
    r"SK)U?\d{7,12}[A-Z]?\d{0,2}"
)
"""VAT numbers as the EU's countries write them."""

QUANTITY = re.compile(
    r"\s?(?:pcs|pieces?|units?|szt\w*|sztuk\w*|par|pairs?|stuck|stk|x|unidades|uds|pezzi|stuks|adet|ks|buc|шт\w*|"
    r"buah|pasang|items?|bottles?|"
    r"boxes|packs?|sets?|people|days?|dni|tage|hari|jours|dias|giorni|dagen|gun|zile|дн\w+|يوم|ايام|قطع\w*|حب\w+|"
    r"minut\w*|hours?|weeks?|"
    r"years?|%|€|\$|£|zl|euros?|km|kg|gb|mb|cm|mm|times|orang|followers?|pkt|punkt\w*|points?|poin|نقط\w*|"
    r"customers?|klient\w*)(?![^\W_])"
)
"""What is counted, after a number."""
