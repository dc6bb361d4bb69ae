"""A base station's RTCM 3 stream made of its RINEX 3 observations: 1006 and MSM7, as a D-RTK sends them.

After RTCM 10403.3: Nothing of the project's reader is used, so that the two judge each other.
"""

import datetime

LIGHT_M_MS = 299_792.458
GPS_EPOCH = datetime.datetime(1980, 1, 6)
LEAP_S = 18
BDT_S = 14
# hours that GLONASS' day runs ahead of UTC
MOSCOW_S = 3 * 3600
# message, first satellite number, {RINEX code: (MSM signal, MHz)}: two signals are enough, and fit into 64 cells
SYSTEMS = {
    "G": (1077, {"1C": (2, 1575.42), "2W": (10, 1227.6)}),
    "R": (1087, {"1C": (2, None), "2C": (8, None)}),
    "E": (1097, {"1C": (2, 1575.42), "7Q": (15, 1207.14)}),
    "J": (1117, {"1C": (2, 1575.42), "2L": (16, 1227.6)}),
    "C": (1127, {"2I": (2, 1561.098), "7I": (14, 1207.14)}),
}
CYCLE_SLIP = 1


def crc24q(data):
    crc = 0
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc & 0xFFFFFF


class Bits:
    def __init__(self):
        self.value, self.size = 0, 0

    def add(self, value, bits):
        """Two's complement when negative."""
        assert -(1 << bits - 1) <= value < 1 << bits, (value, bits)
        self.value, self.size = self.value << bits | value & (1 << bits) - 1, self.size + bits

    def frame(self):
        size = (self.size + 7) // 8
        body = b"\xd3" + size.to_bytes(2, "big") + (self.value << size * 8 - self.size).to_bytes(size, "big")
        return body + crc24q(body).to_bytes(3, "big")


def station(xyz, station_id=7):
    """1006: where the antenna stands, its height over the marker zero."""
    bits = Bits()
    for value, size in ((1006, 12), (station_id, 12), (0, 6), (15, 4)):
        bits.add(value, size)
    for axis, more in zip(xyz, (2, 2, 0)):
        bits.add(round(axis * 1e4), 38)
        if more:
            bits.add(0, more)
    bits.add(0, 16)
    return bits.frame()


def rinex_3(text):
    """(antenna, {GLONASS satellite: channel}, {system: codes}, [(GPS time, {satellite: {code: (value, lost lock)}})])."""
    codes, channels, epochs, xyz, system = {}, {}, [], None, None
    lines = iter(text.splitlines())
    for line in lines:
        label = line[60:].strip()
        if label == "APPROX POSITION XYZ":
            xyz = [float(word) for word in line[:60].split()]
        elif label == "SYS / # / OBS TYPES":
            system = line[0] if line[0] != " " else system
            codes.setdefault(system, []).extend(line[6:58].split())
        elif label == "GLONASS SLOT / FRQ #":
            words = line[4:60].split()
            channels.update({name: int(channel) for name, channel in zip(words[::2], words[1::2])})
        elif label == "END OF HEADER":
            break
    for line in lines:
        if line.startswith(">"):
            year, month, day, hour, minute = map(int, line[2:18].split())
            at = datetime.datetime(year, month, day, hour, minute) + datetime.timedelta(seconds=float(line[18:29]))
            epochs.append((at, {}))
            continue
        values = {}
        for n, code in enumerate(codes[line[0]]):
            field = line[3 + 16 * n : 19 + 16 * n]
            if field[:14].strip():
                values[code] = (float(field[:14]), field[14:15] not in ("", " ", "0", "2", "4", "6"))
        epochs[-1][1][line[:3]] = values
    return xyz, channels, codes, epochs


class Encoder:
    def __init__(self, channels):
        self.channels = channels
        # whole cycles that bring each phase near its range, and a lock that went on
        self.cycles, self.lock = {}, {}

    def wavelength(self, satellite, code, mhz):
        """Metres; None for a GLONASS satellite whose channel nobody tells."""
        if satellite[0] != "R":
            return LIGHT_M_MS / mhz / 1e3
        if satellite not in self.channels:
            return None
        channel = self.channels[satellite]
        return LIGHT_M_MS / 1e3 / (1602 + channel * 0.5625 if code == "1C" else 1246 + channel * 0.4375)

    def cells(self, satellite, values, signals):
        """{MSM signal: (range m, phase m, lock, C/N0)}."""
        found = {}
        for code, (signal, mhz) in signals.items():
            wavelength = self.wavelength(satellite, code, mhz)
            if wavelength is None or "C" + code not in values or "L" + code not in values:
                continue
            (range_m, _), (cycles, slipped) = values["C" + code], values["L" + code]
            key = satellite, code
            if key not in self.cycles or slipped:
                self.cycles[key] = round(range_m / wavelength - cycles)
                self.lock[key] = CYCLE_SLIP if slipped else 600
            self.lock[key] = min(self.lock[key] + 1, 700)
            strength = values.get("S" + code, (0, False))[0]
            found[signal] = range_m, (cycles + self.cycles[key]) * wavelength, self.lock[key], strength
        return found

    def msm7(self, system, at, satellites, more):
        number, signals = SYSTEMS[system]
        cells = {int(name[1:]): self.cells(name, values, signals) for name, values in satellites.items() if name[0] == system}
        cells = {number: found for number, found in sorted(cells.items()) if found}
        kinds = sorted({signal for found in cells.values() for signal in found})
        if not cells:
            return b""
        since = at - GPS_EPOCH
        week_s = since.total_seconds() % 604_800
        bits = Bits()
        bits.add(number, 12)
        bits.add(7, 12)
        if system == "R":
            local_s = (since.total_seconds() - LEAP_S + MOSCOW_S) % 604_800
            bits.add(int(local_s // 86_400), 3)
            bits.add(round(local_s % 86_400 * 1e3), 27)
        else:
            bits.add(round((week_s - (BDT_S if system == "C" else 0)) % 604_800 * 1e3), 30)
        bits.add(int(more), 1)
        # issue, reserved, clock steering, external clock, smoothing
        for size in (3, 7, 2, 2, 1, 3):
            bits.add(0, size)
        bits.add(sum(1 << 64 - satellite for satellite in cells), 64)
        bits.add(sum(1 << 32 - signal for signal in kinds), 32)
        pairs = [(satellite, signal) for satellite in cells for signal in kinds]
        assert len(pairs) <= 64
        for satellite, signal in pairs:
            bits.add(int(signal in cells[satellite]), 1)
        # the rough range, in 1/1,024 ms: all of a satellite's signals lie within 0.1 us of it
        rough = {satellite: round(next(iter(found.values()))[0] / LIGHT_M_MS * 1024) for satellite, found in cells.items()}
        for satellite in cells:
            bits.add(rough[satellite] >> 10, 8)
        for satellite in cells:
            bits.add(self.channels[f"R{satellite:02}"] + 7 if system == "R" else 0, 4)
        for satellite in cells:
            bits.add(rough[satellite] & 1023, 10)
        for _ in cells:
            bits.add(-8192, 14)
        present = [(satellite, *cells[satellite][signal]) for satellite, signal in pairs if signal in cells[satellite]]
        fine = lambda satellite, metres: metres / LIGHT_M_MS - rough[satellite] / 1024
        for satellite, range_m, *_ in present:
            bits.add(round(fine(satellite, range_m) * 2**29), 20)
        for satellite, _, phase_m, *_ in present:
            bits.add(round(fine(satellite, phase_m) * 2**31), 24)
        for _, _, _, lock, _ in present:
            bits.add(lock, 10)
        for _ in present:
            bits.add(0, 1)
        for *_, strength in present:
            bits.add(round(strength * 16), 10)
        for _ in present:
            bits.add(-16384, 15)
        return bits.frame()


def stream(text, station_every=10):
    """The whole RINEX text as one RTCM 3 stream, (bytes, epochs)."""
    xyz, channels, _, epochs = rinex_3(text)
    encoder, out = Encoder(channels), bytearray()
    for n, (at, satellites) in enumerate(epochs):
        if n % station_every == 0:
            out += station(xyz)
        systems = [system for system in SYSTEMS if any(name[0] == system for name in satellites)]
        for system in systems:
            out += encoder.msm7(system, at, satellites, system != systems[-1])
    return bytes(out), len(epochs)
