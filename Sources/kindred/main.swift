import Foundation
import Settings

// A reader that closes the pipe ends the program quietly, as with other commands.
signal(SIGPIPE, SIG_DFL)
exit(runKindred(Array(CommandLine.arguments.dropFirst())))
