/** Which container the bytes are, by their first kilobyte: the demuxer is then forced, so that nothing else is ever tried. */
import { readFourCc } from './boxes.ts'

/** ffmpeg's names of the demuxers that sources may use. None of them opens a second file. */
export type Demuxer = 'mov' | 'matroska' | 'mpegts' | 'avi' | 'flv'

export type Sniffed =
  | { readonly kind: 'video'; readonly demuxer: Demuxer }
  | { readonly kind: 'empty' | 'playlist' | 'image' | 'archive' | 'audio' | 'text' | 'unknown' }

/** So many bytes decide. */
export const SNIFF_BYTES = 1024

const MP4_FIRST_BOXES = new Set(['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot', 'styp'])
const IMAGE_BRANDS = new Set(['heic', 'heix', 'mif1', 'avif', 'avis', 'msf1', 'hevc'])

const signatures: readonly (readonly [bytes: readonly number[], at: number, result: Sniffed])[] = [
  [[0x1a, 0x45, 0xdf, 0xa3], 0, { kind: 'video', demuxer: 'matroska' }],
  [[0x46, 0x4c, 0x56, 0x01], 0, { kind: 'video', demuxer: 'flv' }],
  [[0x41, 0x56, 0x49, 0x20], 8, { kind: 'video', demuxer: 'avi' }],
  [[0x57, 0x45, 0x42, 0x50], 8, { kind: 'image' }],
  [[0x57, 0x41, 0x56, 0x45], 8, { kind: 'audio' }],
  [[0x50, 0x4b, 0x03, 0x04], 0, { kind: 'archive' }],
  [[0x1f, 0x8b], 0, { kind: 'archive' }],
  [[0x52, 0x61, 0x72, 0x21], 0, { kind: 'archive' }],
  [[0x89, 0x50, 0x4e, 0x47], 0, { kind: 'image' }],
  [[0xff, 0xd8, 0xff], 0, { kind: 'image' }],
  [[0x47, 0x49, 0x46, 0x38], 0, { kind: 'image' }],
  [[0x49, 0x44, 0x33], 0, { kind: 'audio' }],
  [[0x4f, 0x67, 0x67, 0x53], 0, { kind: 'audio' }],
  [[0x66, 0x4c, 0x61, 0x43], 0, { kind: 'audio' }],
]

/** Tells the container by its first bytes; the file's name and type are never asked. */
export function sniffContainer(head: Uint8Array): Sniffed {
  if (head.length === 0) return { kind: 'empty' }
  if (head.length >= 8 && MP4_FIRST_BOXES.has(readFourCc(head, 4))) {
    const isImage =
      readFourCc(head, 4) === 'ftyp' && head.length >= 12 && IMAGE_BRANDS.has(readFourCc(head, 8))
    return isImage ? { kind: 'image' } : { kind: 'video', demuxer: 'mov' }
  }
  if (isTransportStream(head)) return { kind: 'video', demuxer: 'mpegts' }
  for (const [bytes, at, result] of signatures) {
    if (bytes.every((byte, i) => head[at + i] === byte)) return result
  }
  return sniffText(head.subarray(0, SNIFF_BYTES))
}

/** ISO/IEC 13818-1: packets of 188 bytes, each starting with 0x47. */
function isTransportStream(head: Uint8Array): boolean {
  return head.length >= 188 * 3 + 1 && [0, 188, 376, 564].every((at) => head[at] === 0x47)
}

function sniffText(head: Uint8Array): Sniffed {
  const text = new TextDecoder('utf-8').decode(head).replace(/^\uFEFF/, '')
  if (/^\s*(#EXTM3U|ffconcat\b|\[playlist\]|<\?xml[^>]*>\s*<(MPD|smil)|<MPD\b|<smil\b|v=0\r?\n)/i.test(text))
    return { kind: 'playlist' }
  if (/^file\s+\S|^(https?|rtmp|rtsp|file|concat|subfile):/im.test(text)) return { kind: 'playlist' }
  const isText = !head.includes(0) && !text.slice(0, -4).includes('\uFFFD')
  return { kind: isText ? 'text' : 'unknown' }
}
