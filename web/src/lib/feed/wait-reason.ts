/** Why a video does not play: the line, our server, or a line that is only slow; or what is wrong with the video itself. */
export type WaitReason = 'network' | 'server' | 'slow' | 'gone' | 'unplayable'
