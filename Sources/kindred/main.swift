import Foundation
import Settings

// A reader that closes the pipe ends the program quietly, as with other commands.
signal(SIGPIPE, SIG_DFL)
// A file that grows beyond a limit is an error to tell, not the end of the program.
signal(SIGXFSZ, SIG_IGN)
exit(runKindred(Array(CommandLine.arguments.dropFirst())))
