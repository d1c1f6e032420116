/** Headers that lie: an MP4 whose boxes claim a size or a length that its data do not have. */

/** The display and coded size in every video track's header and sample entry. */
export function claimSize(bytes: Buffer, width: number, height: number): Buffer {
  const forged = Buffer.from(bytes)
  for (const at of findBoxes(forged, 'tkhd')) {
    // Version 0: width and height as 16.16 at the end of 84 bytes of body.
    if (forged.readUInt32BE(at + 8 + 76) === 0) continue
    forged.writeUInt32BE((width << 16) >>> 0, at + 8 + 76)
    forged.writeUInt32BE((height << 16) >>> 0, at + 8 + 80)
  }
  for (const at of findBoxes(forged, 'avc1')) {
    forged.writeUInt16BE(width, at + 8 + 24)
    forged.writeUInt16BE(height, at + 8 + 26)
  }
  return forged
}

/** The length of the movie and of each track's samples. */
export function claimDuration(bytes: Buffer, seconds: number): Buffer {
  const forged = Buffer.from(bytes)
  for (const type of ['mvhd', 'mdhd']) {
    for (const at of findBoxes(forged, type)) {
      const timescale = forged.readUInt32BE(at + 8 + 12)
      forged.writeUInt32BE(timescale * seconds, at + 8 + 16)
    }
  }
  for (const at of findBoxes(forged, 'tkhd')) forged.writeUInt32BE(1000 * seconds, at + 8 + 20)
  for (const at of findBoxes(forged, 'elst')) forged.writeUInt32BE(1000 * seconds, at + 8 + 8)
  for (const at of findBoxes(forged, 'stts')) {
    const samples = forged.readUInt32BE(at + 8 + 8)
    const isVideo = samples < 1000 && samples > 30
    if (isVideo)
      forged.writeUInt32BE(Math.min(0x7fff_ffff, 15360 * Math.floor(seconds / samples)), at + 8 + 12)
  }
  return forged
}

/** Where boxes of the type begin, by their names: good enough for files that we made ourselves. */
function findBoxes(bytes: Buffer, type: string): number[] {
  const found: number[] = []
  for (let at = bytes.indexOf(type); at !== -1; at = bytes.indexOf(type, at + 4)) found.push(at - 4)
  return found
}
