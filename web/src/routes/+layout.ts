/** One static shell for every path: nothing is rendered on a server. */
export const ssr = false
export const prerender = false
