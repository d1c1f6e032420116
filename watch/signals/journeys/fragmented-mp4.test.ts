import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { checkInit, checkSegment, readBoxes, UndecodableError } from './fragmented-mp4.ts'
import { readMaster, readMedia } from './playlist.ts'

let init: Buffer
let segment: Buffer

beforeAll(async () => {
  const { stdout } = await promisify(execFile)(
    'ffmpeg',
    [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=10:d=1', '-c:v', 'libx264', '-g', '10'],
      ...['-f', 'mp4', '-movflags', '+frag_keyframe+empty_moov+default_base_moof', 'pipe:1'],
    ],
    { encoding: 'buffer', maxBuffer: 1_000_000 },
  )
  const boxes = readBoxes(stdout)
  const firstMoof = boxes.find(({ type }) => type === 'moof')!.begin
  const tail = boxes.find(({ type }) => type === 'mfra')?.begin ?? stdout.length
  init = stdout.subarray(0, firstMoof)
  segment = stdout.subarray(firstMoof, tail)
})

test('what ffmpeg makes is decodable, picture by picture', () => {
  expect(() => checkInit(init)).not.toThrow()
  expect(checkSegment(segment)).toBe(10)
})

test('a segment that was cut off is not', () => {
  for (const cut of [1, 100, segment.length - 20])
    expect(() => checkSegment(segment.subarray(0, segment.length - cut))).toThrow(UndecodableError)
})

test('an mdat of another size than its moof describes is not', () => {
  const wrong = Buffer.concat([segment, Buffer.alloc(0)])
  const data = readBoxes(wrong).find(({ type }) => type === 'mdat')!
  const shorter = Buffer.concat([wrong.subarray(0, data.end - 4)])
  shorter.writeUInt32BE(data.end - 4 - data.begin, data.begin)
  expect(() => checkSegment(shorter)).toThrow(/describes/)
})

test.each(['', '<html>503 Service Unavailable</html>', '\0'.repeat(64)])('%j is no segment', (text) => {
  expect(() => checkSegment(Buffer.from(text))).toThrow(UndecodableError)
})

test('no bytes make it do anything but answer or refuse', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (noise, place) => {
      const bytes = Buffer.from(segment)
      bytes.set(noise.subarray(0, bytes.length), place % Math.max(1, bytes.length - noise.length))
      for (const check of [checkInit, checkSegment])
        try {
          check(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(UndecodableError)
        }
    }),
    { numRuns: 300 },
  )
})

test('playlists name renditions by their short edge, and their sound', () => {
  const master = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="g2/a.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1080x1920,AUDIO="a"
g2/v1080.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=960x540,AUDIO="a"
g2/v540.m3u8
`
  expect(readMaster(master)).toEqual([
    { uri: 'g2/a.m3u8', name: 'sound' },
    { uri: 'g2/v1080.m3u8', name: '1080' },
    { uri: 'g2/v540.m3u8', name: '540' },
  ])
  expect(readMedia('#EXTM3U\n#EXT-X-MAP:URI="i.mp4"\n#EXTINF:2,\n0.m4s\n#EXTINF:2,\n1.m4s\n')).toEqual({
    initUri: 'i.mp4',
    segmentUris: ['0.m4s', '1.m4s'],
  })
  for (const wrong of ['', '<html>', '#EXTM3U\n']) expect(() => readMaster(wrong)).toThrow(UndecodableError)
  expect(() => readMedia('#EXTM3U\n')).toThrow(UndecodableError)
})
