import Testing
@testable import Miners
