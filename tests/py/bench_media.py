"""What understanding files costs. A part of bench.py; by itself: `bench_media.py`, with $EYRIE_BIN, $EYRIE_SIM and the release examples.

BENCH_MEDIA (default 400) photos are uploaded and read again for the rate of jobs.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from conftest import ROOT, Server

EXAMPLES = Path(os.environ.get("EYRIE_EXAMPLES", ROOT / "target/release/examples"))
SIM = os.environ.get("EYRIE_SIM", ROOT / "target/release/eyrie-sim")
PHOTOS = int(os.environ.get("BENCH_MEDIA", "400"))
VIDEO_BYTES, VIDEO_S = 1 << 30, 85


def example(name, *arguments):
    done = subprocess.run([EXAMPLES / name, *arguments], stdout=subprocess.PIPE, text=True, timeout=600, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def made(folder, *arguments):
    subprocess.run([SIM, "photo", folder, *map(str, arguments)], stdout=subprocess.DEVNULL, check=True, timeout=600)


def boxes(data, start, end):
    """(kind, first byte inside, byte behind) of each box."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        yield kind, start + 8, start + size
        start += size


def find(data, path, start=0, end=None):
    end = len(data) if end is None else end
    for kind, inside, behind in boxes(data, start, end):
        if kind == path[0]:
            if len(path) == 1:
                return inside, behind
            return find(data, path[1:], inside, behind)
    raise KeyError(path)


def spread(video, target, size):
    """The simulator's video with its samples scattered over `size` bytes, as pictures between them do, and the index at the end."""
    data = bytearray(video.read_bytes())
    inside, behind = find(data, [b"moov"])
    moov = data[inside - 8 : behind]
    stbl = find(moov, [b"moov", b"trak", b"mdia", b"minf", b"stbl"])
    (stco, _), (stsz, _) = find(moov, [b"stco"], *stbl), find(moov, [b"stsz"], *stbl)
    (count,) = struct.unpack_from(">I", moov, stco + 4)
    step = (size - len(moov) - 4096) // count
    with target.open("wb") as out:
        out.write(struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + struct.pack(">I4s", size - 16 - len(moov), b"mdat"))
        for n in range(count):
            (old,) = struct.unpack_from(">I", moov, stco + 8 + 4 * n)
            (length,) = struct.unpack_from(">I", moov, stsz + 12 + 4 * n)
            struct.pack_into(">I", moov, stco + 8 + 4 * n, 64 + n * step)
            out.seek(64 + n * step)
            out.write(data[old : old + length])
        out.seek(size - len(moov))
        out.write(moov)
    return count


def job_rate(folder, server):
    """Files read again by the server, a second."""
    access = server.cli("dock", "add", "--workspace", "default", "--sn", "BENCHMEDIA")
    one = folder / "media.json"
    one.write_text(json.dumps(access))
    size = ["--photos", str(PHOTOS), "--width", "640", "--height", "480", "--video-s", "0", "--no-ppk"]
    subprocess.run([SIM, "dock", one, *size], stdout=subprocess.DEVNULL, check=True, timeout=900)
    command = ["jobs", "rerun", "--kind", "extract-metadata", "--where", "gateway_sn=BENCHMEDIA", "--wait"]
    started = time.monotonic()
    told = server.cli(*command)
    return told, time.monotonic() - started


def rows(folder, server=None):
    folder = Path(folder) / "media"
    folder.mkdir()
    found = []
    picture = example("picture_speed")
    found.append(("thumbnail of a 20 MP photo with preview, against decoding it", f"{picture['thumbnail_ms']:.1f} ms, all of it {picture['full_ms']:.0f} ms",
                  f"{picture['thumbnail_ms'] / picture['full_ms']:.3f}", "<= 0.05"))  # fmt: skip
    found.append(("thumbnail without an embedded preview, against decoding it", f"{picture['without_ms']:.0f} ms", f"{picture['without_ms'] / picture['full_ms']:.2f}", ""))
    found.append(("memory of the worst picture that is not refused", f"{picture['worst_kb'] / 1024:.0f} MB", "", ""))
    made(folder / "video", "--count", 1, "--width", 16, "--height", 16, "--video-s", VIDEO_S)
    (video,) = (folder / "video").glob("*.MP4")
    large = folder / "large.MP4"
    frames = spread(video, large, VIDEO_BYTES)
    track = example("telemetry_speed", large)
    assert track["samples"] == frames, track
    found.append(("telemetry of a 1 GiB video, bytes against the file's", f"{track['read_bytes'] / 1e3:.0f} kB in {track['reads']} reads",
                  f"{track['read_bytes'] / track['size_bytes']:.5f}", "<= 0.02"))  # fmt: skip
    found.append(("the same, time against reading the file once", f"{track['track_s'] * 1e3:.0f} ms, the file {track['sequential_s'] * 1e3:.0f} ms",
                  f"{track['track_s'] / track['sequential_s']:.3f}", "<= 0.02"))  # fmt: skip
    large.unlink()
    srt = example("srt_speed")
    found.append((f"SRT of an hour, {srt['records']} records", f"{srt['mb_s']:.0f} MB/s", "", ""))
    if server:
        told, seconds = job_rate(folder, server)
        found.append((f"stored photos read again by jobs ({PHOTOS})", f"{PHOTOS / seconds:.0f}/s", "", ""))
        assert told, "the job ended"
    return found


def main():
    with tempfile.TemporaryDirectory(prefix="eyrie-bench-media-", dir=os.environ.get("BENCH_DIR")) as folder:
        server = Server(Path(folder) / "data", env={"EYRIE_LOG_FILTER": "warn"}).start() if os.environ.get("EYRIE_BIN") else None
        try:
            for row in rows(folder, server):
                print("  ".join(row).rstrip())
        finally:
            if server:
                server.stop()


if __name__ == "__main__":
    sys.exit(main())
