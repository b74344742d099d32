#!/usr/bin/env python3
"""Writes the table of bidders in docs/bidders.md from the bidder-info files.

usage: bidder_table.py INFO_DIR DOCS_FILE: what stands between the two markers of the file is replaced.
"""
import pathlib
import sys

import yaml

BEGIN, END = "<!-- bidders: begin -->", "<!-- bidders: end -->"


def load(folder):
    files = {p.stem: yaml.safe_load(p.read_text()) for p in sorted(pathlib.Path(folder).glob("*.yaml"))}
    for info in files.values():
        parent = files.get(info.get("aliasOf"))
        if parent:
            for key, value in parent.items():
                if key not in ("gvlVendorID", "aliasOf"):
                    info.setdefault(key, value)
    return files


def media(info, platform):
    return ", ".join(info.get("capabilities", {}).get(platform, {}).get("mediaTypes", [])) or "-"


def sync(info):
    user_sync = info.get("userSync") or {}
    kinds = set(user_sync.get("supports", [])) | ({"iframe", "redirect"} & set(user_sync))
    return ", ".join(sorted(kinds)) or "-"


def row(name, info):
    openrtb = info.get("openrtb", {})
    cells = [
        f"`{name}`" + (f" (alias of `{info['aliasOf']}`)" if "aliasOf" in info else ""),
        media(info, "site"),
        media(info, "app"),
        str(openrtb.get("version", 2.5)),
        "yes" if openrtb.get("gpp-supported") else "no",
        str(info.get("endpointCompression", "-")).lower(),
        str(info.get("gvlVendorID", "-")),
        sync(info),
    ]
    return "| " + " | ".join(cells) + " |"


def main(folder, docs):
    heads = ["bidder", "site", "app", "OpenRTB", "GPP", "compression", "GVL id", "user sync"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += [row(name, info) for name, info in load(folder).items()]
    path = pathlib.Path(docs)
    before, rest = path.read_text().split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)


if __name__ == "__main__":
    main(*sys.argv[1:])
