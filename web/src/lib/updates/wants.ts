/** Which videos the browser's one stream listens to: what all tabs want, the newest wish first, at most so many. */

/** Joins the tabs' wishes into one sorted list (sorted, so that the same wish gives the same address). */
export function joinWants(wantsByTab: ReadonlyMap<string, readonly string[]>, max: number): string[] {
  const joined = new Set<string>()
  for (const wants of [...wantsByTab.values()].reverse()) {
    for (const videoId of wants) {
      if (joined.size < max) joined.add(videoId)
    }
  }
  return [...joined].sort()
}
