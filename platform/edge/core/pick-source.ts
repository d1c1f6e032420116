/**
 * Which of several nodes a key belongs to: rendezvous hashing (Thaler and Ravishankar 1998) with bounded loads (Mirrokni,
 * Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016).
 *
 * A node that is lost or added moves only its own keys. One that has more than its share passes what comes on to the next
 * in the key's own order, so that a hot key spreads and no other key moves. Pure.
 */

/** By how much the busiest node may lie above the mean. */
export const LOAD_SLACK = 0.2

/** The nodes, the key's own first; the same for all who ask, in whatever order they name the nodes. */
export function rankNodes<Name extends string>(nodes: readonly Name[], key: string): Name[] {
  return nodes
    .map((node) => ({ node, score: hashOf(`${node}\0${key}`) }))
    .sort((a, b) => b.score - a.score || (a.node < b.node ? -1 : 1))
    .map(({ node }) => node)
}

/**
 * The node to ask, given what each has to do already (requests under way, or of late).
 *
 * @param loadOf not negative; in one unit for all nodes.
 * @throws {RangeError} without nodes.
 */
export function pickNode<Name extends string>(
  nodes: readonly Name[],
  key: string,
  loadOf: (node: Name) => number,
): Name {
  if (nodes.length === 0) throw new RangeError('There is no node to pick.')
  const total = nodes.reduce((sum, node) => sum + loadOf(node), 0)
  const share = Math.ceil(((total + 1) / nodes.length) * (1 + LOAD_SLACK))
  const ranked = rankNodes(nodes, key)
  return ranked.find((node) => loadOf(node) + 1 <= share) ?? ranked[0]!
}

/** 32 bits: FNV-1a, then the finalizer of MurmurHash3, without which keys that differ in their end score alike. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
