/** How a video fills its place: to the edges, unless that would take too much of it away. */

/** The largest share of a picture that may be cut off. */
const MAX_CROP = 0.15

/**
 * Whether a video is shown whole, with its surroundings blurred, instead of filling a place of another shape.
 *
 * Both are width ÷ height.
 */
export function isShownWhole(videoRatio: number, placeRatio: number): boolean {
  const kept = Math.min(videoRatio / placeRatio, placeRatio / videoRatio)
  return 1 - kept > MAX_CROP
}
