"""Counts as bytes: pairs of a key's distance from the one before and its count, as varints."""


class DamagedError(Exception):
    """The bytes that were read are not of a history."""


def pack(counts: dict[int, int]) -> bytes:
    """Return ``counts`` as bytes, sorted by key; neither keys nor counts may be negative."""
    packed = bytearray()
    before = 0
    for key in sorted(counts):
        for number in (key - before, counts[key]):
            rest = number
            while rest > 0x7F:
                packed.append(rest & 0x7F | 0x80)
                rest >>= 7
            packed.append(rest)
        before = key
    return bytes(packed)


def unpack(packed: bytes) -> dict[int, int]:
    """Return the counts of pack(); raises DamagedError for bytes that it never makes."""
    numbers = _read_varints(packed)
    if len(numbers) % 2:
        raise DamagedError(f"{len(numbers)} numbers are not pairs")
    counts = {}
    key = 0
    for distance, count in zip(numbers[::2], numbers[1::2], strict=True):
        key += distance
        counts[key] = count
    return counts


def _read_varints(packed: bytes) -> list[int]:
    # Most of them have one byte, and then so does each number.
    if packed.isascii():
        return list(packed)
    numbers = []
    number = shift = 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        if byte > 0x7F:
            shift += 7
        else:
            numbers.append(number)
            number = shift = 0
    if shift:
        raise DamagedError("the last number has no end")
    return numbers
