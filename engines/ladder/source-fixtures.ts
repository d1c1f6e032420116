/** Sources as values, for tests of what is decided about them. */
import type { AudioStreamInfo, SourceInfo, VideoStreamInfo } from './source-info.ts'

/** A phone's portrait video that players can play as it is, changed as told. */
export function makeSource(
  change: Partial<Omit<SourceInfo, 'video' | 'audio'>> & {
    video?: Partial<VideoStreamInfo> | null
    audio?: Partial<AudioStreamInfo> | null
  } = {},
): SourceInfo {
  const { video, audio, ...rest } = change
  return {
    demuxer: 'mov,mp4,m4a,3gp,3g2,mj2',
    durationMs: 15_000,
    sizeBytes: 12_000_000,
    bitrateBps: 6_400_000,
    streamCount: 2,
    hasHiddenStart: false,
    longestKeyframeGapS: 1,
    hasVideoPackets: true,
    ...rest,
    video:
      video === null
        ? null
        : {
            index: 0,
            codec: 'h264',
            profile: 'High',
            level: 40,
            pixelFormat: 'yuv420p',
            codedWidth: video?.displayWidth ?? 1080,
            codedHeight: video?.displayHeight ?? 1920,
            displayWidth: 1080,
            displayHeight: 1920,
            sampleAspectRatio: { num: 1, den: 1 },
            rotationDeg: 0,
            isTransformed: false,
            averageFps: 30,
            baseFps: 30,
            measuredFps: 30,
            hasVariableFrameRate: false,
            isInterlaced: false,
            transfer: 'sdr',
            bitrateBps: 6_000_000,
            measuredBps: 6_000_000,
            hasBFrames: true,
            ...video,
          },
    audio:
      audio === null
        ? null
        : {
            index: 1,
            codec: 'aac',
            profile: 'LC',
            channels: 2,
            sampleRateHz: 48_000,
            bitrateBps: 128_000,
            ...audio,
          },
  }
}
