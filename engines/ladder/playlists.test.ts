import { expect, test } from 'vitest'
import { measureBandwidth, type MediaManifest, type SegmentEntry, type VideoRendition } from './manifest.ts'
import { renderMasterPlaylist, renderMediaPlaylist } from './playlists.ts'

const segment = (index: number, durationMs: number, sizeBytes: number): SegmentEntry => ({
  name: `0000${index}.m4s`,
  durationMs,
  sizeBytes,
  sha256: 'a'.repeat(64),
})
const init = { name: 'init.mp4', sizeBytes: 800, sha256: 'b'.repeat(64) }
const video = (edge: number, sizeBytes: number): VideoRendition => ({
  id: `v${edge}`,
  codecs: 'avc1.64001f',
  init,
  segments: [segment(0, 2002, sizeBytes), segment(1, 1001, sizeBytes / 4)],
  generation: 2,
  width: edge,
  height: (edge * 16) / 9,
  fps: 30_000 / 1001,
})
const manifest: MediaManifest = {
  version: 1,
  generation: 2,
  kind: 'ladder',
  durationMs: 3003,
  width: 1080,
  height: 1920,
  videos: [video(1080, 1_500_000), video(540, 500_000), video(360, 250_000)],
  audio: {
    id: 'a',
    codecs: 'mp4a.40.2',
    init,
    segments: [segment(0, 2000, 32_000), segment(1, 1000, 16_000)],
    generation: 1,
    channels: 2,
    sampleRateHz: 48_000,
  },
}

test('a master starts players at 540, then lists the best first', () => {
  expect(renderMasterPlaylist(manifest)).toBe(`#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2126002,AVERAGE-BANDWIDTH=1793002,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=540x960,FRAME-RATE=29.970,AUDIO="audio"
v540.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=6122006,AVERAGE-BANDWIDTH=5123005,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1080x1920,FRAME-RATE=29.970,AUDIO="audio"
v1080.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1127001,AVERAGE-BANDWIDTH=960501,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=360x640,FRAME-RATE=29.970,AUDIO="audio"
v360.m3u8
`)
})

test('a silent video has no audio group', () => {
  expect(renderMasterPlaylist({ ...manifest, audio: null })).not.toMatch(/AUDIO|mp4a/)
})

test('a media playlist lists every segment once and ends', () => {
  const fileUri = (_: unknown, name: string) => `v540/${name}`
  expect(renderMediaPlaylist(video(540, 500_000), { fileUri })).toBe(`#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="v540/init.mp4"
#EXTINF:2.002000,
v540/00000.m4s
#EXTINF:1.001000,
v540/00001.m4s
#EXT-X-ENDLIST
`)
})

test('a growing one is an event without an end', () => {
  const playlist = renderMediaPlaylist(video(540, 500_000), { isComplete: false })
  expect(playlist).toContain('#EXT-X-PLAYLIST-TYPE:EVENT')
  expect(playlist).not.toContain('ENDLIST')
})

test('bandwidth is that of the largest segment, but not of a last one of a few frames', () => {
  expect(measureBandwidth([segment(0, 2000, 250_000), segment(1, 100, 200_000)])).toEqual({
    peakBps: 1_714_286,
    averageBps: 1_714_286,
  })
  expect(measureBandwidth([segment(0, 2000, 250_000), segment(1, 2000, 500_000)])).toEqual({
    peakBps: 2_000_000,
    averageBps: 1_500_000,
  })
})
