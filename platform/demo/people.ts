/** Who lives in the demo, and what they say. All of it is made up. */
export interface DemoPerson {
  readonly handle: string
  readonly name: string
  readonly bio: string
  /** Two colours of the profile picture. */
  readonly colours: readonly [string, string]
}

export const demoPeople: readonly DemoPerson[] = [
  {
    handle: 'mira.paints',
    name: 'Mira Okafor',
    bio: 'Colour studies, one a day. Lagos → Lisbon.',
    colours: ['#ff5f6d', '#ffc371'],
  },
  {
    handle: 'peach.open.movie',
    name: 'Meadow Film Club',
    bio: 'Scenes from open films. Big Buck Bunny © Blender Foundation, CC BY 3.0.',
    colours: ['#7bc96f', '#f4d35e'],
  },
  { handle: 'lowtide', name: 'Jonas Lowtide', bio: 'The sea, slowly.', colours: ['#0f4c75', '#3fc1c9'] },
  {
    handle: 'fractal_finn',
    name: 'Finn',
    bio: 'Zooming in since 1980. No end yet.',
    colours: ['#2b1055', '#d53369'],
  },
  {
    handle: 'conway.daily',
    name: 'Conway Daily',
    bio: 'Four rules, endless gardens.',
    colours: ['#0b1d51', '#9ff9c1'],
  },
  {
    handle: 'hillwalk',
    name: 'Ana Cordeiro',
    bio: 'Hills before breakfast.',
    colours: ['#355c7d', '#f67280'],
  },
  {
    handle: 'slowlight',
    name: 'Slow Light Studio',
    bio: 'Lamps, glass and patience. Workshop open on Saturdays.',
    colours: ['#f12711', '#f5af19'],
  },
  {
    handle: 'ripple.lab',
    name: 'Ripple Lab',
    bio: 'Interference patterns for calm people.',
    colours: ['#11998e', '#38ef7d'],
  },
  {
    handle: 'nightbus',
    name: 'Noor',
    bio: 'City lights through wet windows.',
    colours: ['#141e30', '#6dd5ed'],
  },
  {
    handle: 'tea.and.tones',
    name: 'Tea & Tones',
    bio: 'Soft chords, warm cups.',
    colours: ['#c79081', '#dfa579'],
  },
  { handle: 'oskar', name: 'Oskar Lind', bio: 'I mostly watch.', colours: ['#8e9eab', '#eef2f3'] },
  { handle: 'yuki.k', name: 'Yuki K', bio: 'Collecting loops.', colours: ['#ee9ca7', '#ffdde1'] },
]

export const demoComments: readonly string[] = [
  'I could watch this all evening.',
  'The colours around the middle, wow.',
  'What did you make this with?',
  'Saved for a grey morning.',
  'My cat approves.',
  'This loops so well that I missed my stop.',
  'More of these, please.',
  'It looks like the bay at home in October.',
  'How long did this take you?',
  'The sound suits it.',
  'Sent this to my sister. She paints too.',
  'Calmest corner of the internet.',
]

export const demoReplies: readonly string[] = [
  'Thank you! A new one comes tomorrow.',
  'An afternoon and a lot of tea.',
  'Made with ffmpeg alone.',
  'Say hello to the cat.',
]
