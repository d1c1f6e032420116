/** The encoders: whether each one that videos and pictures are made with really encodes here. */
import { FfmpegError, runFfmpeg } from '../../../../infra/ffmpeg/index.ts'
import type { Check, Finding } from '../doctor.ts'
import { fine, problem } from './finding.ts'

const ABOUT = 'Encoders'
const PICTURES = ['-f', 'lavfi', '-i', 'testsrc=size=128x128:rate=10:duration=0.3']
const SOUND = ['-f', 'lavfi', '-i', 'sine=duration=0.3']
const ENCODERS = [
  { name: 'libx264', args: [...PICTURES, '-c:v', 'libx264', '-preset', 'veryfast'] },
  { name: 'aac', args: [...SOUND, '-c:a', 'aac'] },
  { name: 'mjpeg', args: [...PICTURES, '-frames:v', '1', '-pix_fmt', 'yuvj420p', '-c:v', 'mjpeg'] },
  { name: 'libwebp', args: [...PICTURES, '-c:v', 'libwebp'] },
]
const REMEDY = 'Install the ffmpeg of your distribution, with x264 and WebP: apt-get install -y ffmpeg'

export const checkEncoders: Check = async ({ signal }) => {
  const broken: Finding[] = []
  for (const { name, args } of ENCODERS) {
    try {
      await runFfmpeg({
        args: ['-hide_banner', '-nostdin', '-loglevel', 'error', ...args, '-f', 'null', '-'],
        limits: { timeoutMs: 15_000 },
        signal,
      })
    } catch (error) {
      if (!(error instanceof FfmpegError)) throw error
      if (error.failure === 'not-installed') return [problem(ABOUT, error.message, REMEDY)]
      broken.push(
        problem(ABOUT, `${name} does not encode: ${error.stderrTail.trim() || error.message}`, REMEDY),
      )
    }
  }
  return broken.length > 0 ? broken : [fine(ABOUT, `${ENCODERS.map(({ name }) => name).join(', ')} encode.`)]
}
