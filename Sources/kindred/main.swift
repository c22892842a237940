import Foundation
import Settings

// What started the program may hold signals back, as threads of Dispatch do; Ctrl-C is to be heard.
var noSignals = sigset_t()
sigemptyset(&noSignals)
pthread_sigmask(SIG_SETMASK, &noSignals, nil)
// A reader that closes the pipe ends the program quietly, as with other commands.
signal(SIGPIPE, SIG_DFL)
// A file that grows beyond a limit is an error to tell, not the end of the program.
signal(SIGXFSZ, SIG_IGN)
for index in 1..<max(1, Int(CommandLine.argc)) {
  // Swift would put U+FFFD for such bytes, and no file has that name.
  if let word = CommandLine.unsafeArgv[index], String(validatingCString: word) == nil {
    let failure = Failure(
      .badUsage, at: "command line",
      "word \(index), '\(CommandLine.arguments[index])', is not UTF-8",
      expected: "paths and settings in UTF-8",
      remedy: "rename the file, as with convmv -f latin1 -t utf8 --notest")
    Terminal.printError("kindred: \(failure)")
    exit(failure.kind.rawValue)
  }
}
// Graphs are searched where they lie: one that another program cuts short meanwhile is an error to
// tell too. A handler may do no more than this.
signal(SIGBUS) { _ in
  let text: StaticString =
    "kindred: a file became shorter while it was read (make it again, and replace it as a whole)\n"
  _ = write(2, text.utf8Start, text.utf8CodeUnitCount)
  _exit(Failure.Kind.cannotRead.rawValue)
}
exit(runKindred(Array(CommandLine.arguments.dropFirst())))
