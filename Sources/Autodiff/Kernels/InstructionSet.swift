import CKernels

/// The instructions that the kernels are made of.
///
/// Results of different sets may differ in the last bits; those of one set do not.
public enum InstructionSet: String, CaseIterable, Sendable {
  /// Vectors of 16 bytes: any x86-64 and any arm64.
  case portable
  /// AVX2 with FMA.
  case avx2
  /// AVX-512 (F, VL, DQ, BW).
  case avx512

  /// What this processor has.
  public static var available: [InstructionSet] { allCases.filter { ck_has_isa($0.number) != 0 } }

  /// What a task's kernels use instead of what the process uses, so that tests of one set leave
  /// those beside them alone.
  @TaskLocal package static var chosen: InstructionSet?

  /// The kernels for elements of a size, in bytes.
  static func kernels(elementSize: Int) -> ck_kernels {
    kernelTable(elementSize: elementSize).pointee
  }

  static func kernelTable(elementSize: Int) -> UnsafePointer<ck_kernels> {
    chosen.map { ck_get_kernels_of($0.number, elementSize) } ?? ck_get_kernels(elementSize)
  }

  /// What the kernels use: at first the most able that the processor has.
  ///
  /// Setting one that the processor lacks is a programmer error.
  public static var current: InstructionSet {
    get {
      if let chosen { return chosen }
      let number = ck_get_isa()
      return allCases.first { $0.number == number } ?? .portable
    }
    set {
      precondition(
        ck_has_isa(newValue.number) != 0,
        "InstructionSet: this processor lacks \(newValue), it has \(available)")
      ck_set_isa(newValue.number)
    }
  }

  private var number: Int32 {
    switch self {
    case .portable: 0
    case .avx2: 1
    case .avx512: 2
    }
  }
}
