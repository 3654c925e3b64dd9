#!/usr/bin/env python3
"""Writes small archives of every kind that the tar reader knows into the directory given: seeds for
tar_fuzz. The same bytes every time."""
import io
import pathlib
import sys
import tarfile

KINDS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def member(name, kind=tarfile.REGTYPE, content=b"", **fields):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, io.BytesIO(content)


def archive(path, form, members):
    with tarfile.open(path, "w", format=form) as tar:
        for info, content in members:
            tar.addfile(info, content if info.isreg() else None)


def members(form):
    yield member("dir", tarfile.DIRTYPE, mode=0o1777)
    yield member("dir/file", content=b"hello\n", mode=0o4755, uid=1000, gid=1000, mtime=1)
    yield member("dir/empty")
    yield member("link", tarfile.SYMTYPE, linkname="dir/file")
    yield member("hard", tarfile.LNKTYPE, linkname="dir/file")
    yield member("pipe", tarfile.FIFOTYPE)
    yield member("null", tarfile.CHRTYPE, devmajor=1, devminor=3)
    yield member("block", tarfile.BLKTYPE, devmajor=8)
    yield member(".wh.gone")
    yield member("../outside", content=b"x")
    yield member("/absolute", content=b"x")
    if form != tarfile.USTAR_FORMAT:
        yield member("long/" * 50 + "name", content=b"long")
        yield member("longlink", tarfile.SYMTYPE, linkname="t" * 180)
    if form == tarfile.PAX_FORMAT:
        yield member("attributes", content=b"x", pax_headers={
            "SCHILY.xattr.user.a": "1", "mtime": "12.5", "uid": "4294967294"})
        yield member("na\u00efve \u8a9e", content=b"x")


def sparse():
    """A GNU sparse file: four bytes at 1 MiB."""
    info = tarfile.TarInfo("sparse")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 4
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:398] = b"%011o\0" % (1 << 20)
    header[398:410] = b"%011o\0" % 4
    header[483:495] = b"%011o\0" % ((1 << 20) + 4)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + b"tail".ljust(512, b"\0") + bytes(1024)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, form in KINDS.items():
        archive(folder / f"{name}.tar", form, members(form))
        whole = (folder / f"{name}.tar").read_bytes()
        (folder / f"{name}-cut.tar").write_bytes(whole[:1300])
        (folder / f"{name}-damaged.tar").write_bytes(whole[:700] + b"\xff" * 40 + whole[740:])
    (folder / "sparse.tar").write_bytes(sparse())
    (folder / "empty.tar").write_bytes(bytes(1024))
    (folder / "nothing.tar").write_bytes(b"")
    (folder / "huge-size.tar").write_bytes(
        member("huge", size=(1 << 33) - 1)[0].tobuf(tarfile.GNU_FORMAT) + b"x" * 512)


if __name__ == "__main__":
    main()
