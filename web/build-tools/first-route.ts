/**
 * Which modules For You needs before its first frame: all that its page and the layout import, and what those import in
 * turn. They go into one file, for on a phone's network thirty small files cost more than one of their size; what is
 * fetched by `import()` stays apart.
 */

/** What is asked of the bundler. */
interface ModuleGraph {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null
}

/** Names the group `first` for each module of the first route, null for all others. */
export function groupFirstRoute(webFolder: string): (id: string, graph: ModuleGraph) => string | null {
  const roots = [
    'hooks.client.ts',
    'routes/+layout.svelte',
    'routes/+layout.ts',
    'routes/+error.svelte',
    'routes/+page.svelte',
  ]
  let known: ReadonlySet<string> | null = null
  return (id, graph) => {
    known ??= reachFrom(
      roots.map((root) => `${webFolder}/src/${root}`),
      graph,
    )
    return known.has(id) ? 'first' : null
  }
}

function reachFrom(roots: readonly string[], graph: ModuleGraph): Set<string> {
  const reached = new Set<string>()
  const open = [...roots]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (reached.has(id)) continue
    const info = graph.getModuleInfo(id)
    if (!info) continue
    reached.add(id)
    open.push(...info.importedIds)
  }
  if (!roots.every((root) => reached.has(root)))
    throw new Error('The first route is written in other files now: name them here.')
  return reached
}
