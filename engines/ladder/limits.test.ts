import { describe, expect, test } from 'vitest'
import { canCopy, whyNotCopy } from './copy.ts'
import { defaultLimits, judgeContainer, judgeSource } from './limits.ts'
import { sniffContainer } from './container.ts'
import { makeSource } from './source-fixtures.ts'

const text = (value: string) => new TextEncoder().encode(value)

describe('the first bytes', () => {
  test.each([
    ['nothing', '', 'video-empty-file'],
    ['a letter', 'Dear reader,\n', 'video-not-a-video'],
    ['a ZIP', 'PK\u0003\u0004', 'video-not-a-video'],
    ['an HLS playlist', '#EXTM3U\nfile:///etc/passwd', 'video-playlist'],
    ['an HLS playlist after blank lines', '\n\n#EXTM3U\n', 'video-playlist'],
    ['an ffconcat list', 'ffconcat version 1.0\n', 'video-playlist'],
    ['a bare concat list', "# a\nfile '/etc/passwd'\n", 'video-playlist'],
    ['a DASH manifest', '<?xml version="1.0"?>\n<MPD></MPD>', 'video-playlist'],
    ['an SDP description', 'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n', 'video-playlist'],
    ['an AVIF picture', '\0\0\0\u001cftypavif', 'video-not-a-video'],
  ])('%s is refused', (_, bytes, code) => {
    expect(judgeContainer(sniffContainer(text(bytes)))?.code).toBe(code)
  })

  test.each([
    ['an MP4', '\0\0\0\u001cftypisom', 'mov'],
    ['an old QuickTime file', '\0\0\0\u0008wide\0\0\0\u0010mdat', 'mov'],
    ['an FLV', 'FLV\u0001', 'flv'],
    ['an AVI', 'RIFF\0\0\0\0AVI ', 'avi'],
  ])('%s is taken by its own demuxer', (_, bytes, demuxer) => {
    expect(sniffContainer(text(bytes))).toEqual({ kind: 'video', demuxer })
  })

  test('Matroska and WebM are told by their mark', () => {
    expect(sniffContainer(new Uint8Array([0x1a, 0x45, 0xdf, 0xa3]))).toEqual({
      kind: 'video',
      demuxer: 'matroska',
    })
  })
})

describe('limits at their edges', () => {
  const codeOf = (...args: Parameters<typeof makeSource>) => judgeSource(makeSource(...args))?.code ?? 'taken'

  test('600 s are taken, with half a second of grace; 601 s are not', () => {
    expect(codeOf({ durationMs: defaultLimits.maxDurationS * 1000 })).toBe('taken')
    expect(codeOf({ durationMs: defaultLimits.maxDurationS * 1000 + 500 })).toBe('taken')
    expect(codeOf({ durationMs: defaultLimits.maxDurationS * 1000 + 501 })).toBe('video-too-long')
  })

  test('an unknown length is taken: the encoder stops at the limit', () => {
    expect(codeOf({ durationMs: null })).toBe('taken')
  })

  test('2160 by 4096 is taken; one more on either side is not', () => {
    expect(codeOf({ video: { displayWidth: 2160, displayHeight: 4096 } })).toBe('taken')
    expect(codeOf({ video: { displayWidth: 2161, displayHeight: 4000 } })).toBe('video-too-large')
    expect(codeOf({ video: { displayWidth: 1080, displayHeight: 4097 } })).toBe('video-too-large')
  })

  test('16 pixels are taken, 15 are not, and none is a damaged header', () => {
    expect(codeOf({ video: { displayWidth: 16, displayHeight: 16 } })).toBe('taken')
    expect(codeOf({ video: { displayWidth: 15, displayHeight: 640 } })).toBe('video-too-small')
    expect(codeOf({ video: { codedWidth: 0, codedHeight: 0 } })).toBe('video-unreadable')
  })

  test('the size as encoded counts too, whatever the shape of its pixels makes of it', () => {
    expect(codeOf({ video: { codedWidth: 16_384, codedHeight: 8640, displayWidth: 640 } })).toBe(
      'video-too-large',
    )
  })

  test('240 frames a second are taken, 253 are not', () => {
    expect(codeOf({ video: { measuredFps: 240 } })).toBe('taken')
    expect(codeOf({ video: { measuredFps: 253 } })).toBe('video-too-many-fps')
  })

  test('32 streams are taken, 33 are not', () => {
    expect(codeOf({ streamCount: 32 })).toBe('taken')
    expect(codeOf({ streamCount: 33 })).toBe('video-too-many-streams')
  })

  test('sound alone, a header without frames and an unknown codec are refused with what was found', () => {
    expect(judgeSource(makeSource({ video: null }))).toMatchObject({
      code: 'video-no-picture',
      facts: { hasSound: 'yes' },
    })
    expect(codeOf({ hasVideoPackets: false })).toBe('video-no-picture')
    expect(judgeSource(makeSource({ video: { codec: 'ffv1' } }))?.facts).toEqual({ codec: 'ffv1' })
  })
})

describe('copying', () => {
  test("a phone's H.264 with AAC is copied", () => {
    expect(canCopy(makeSource())).toBe(true)
    expect(canCopy(makeSource({ audio: null }))).toBe(true)
  })

  test.each([
    ['codec', { video: { codec: 'hevc' } }],
    ['profile', { video: { profile: 'High 10' } }],
    ['level', { video: { level: 51 } }],
    ['pixel-format', { video: { pixelFormat: 'yuv444p' } }],
    ['size', { video: { displayWidth: 1440, displayHeight: 2560 } }],
    ['bitrate', { video: { bitrateBps: 20_000_001 } }],
    ['bitrate', { video: { bitrateBps: null, measuredBps: null }, bitrateBps: null }],
    ['bitrate', { video: { bitrateBps: null, measuredBps: 20_000_001 }, bitrateBps: null }],
    ['frame-rate', { video: { measuredFps: 120 } }],
    ['keyframes', { longestKeyframeGapS: 5.1 }],
    ['keyframes', { longestKeyframeGapS: null }],
    ['rotation', { video: { isTransformed: true } }],
    ['sample-aspect', { video: { sampleAspectRatio: { num: 4, den: 3 } } }],
    ['interlaced', { video: { isInterlaced: true } }],
    ['hdr', { video: { transfer: 'hlg' as const } }],
    ['hidden-start', { hasHiddenStart: true }],
    ['container', { demuxer: 'mpegts' }],
  ])('is refused for its %s', (reason, change) => {
    expect(whyNotCopy(makeSource(change))).toEqual([reason])
  })
})
