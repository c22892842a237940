extension Tensor {
  /// The matrix product op(self) op(other), where op transposes when asked.
  ///
  /// - Parameters:
  ///   - other: [inner, columns], or [columns, inner] if `transposingOther`.
  ///   - transposingSelf: read `self` as [inner, rows] instead of [rows, inner].
  /// - Returns: [rows, columns].
  public func times(
    _ other: Tensor, transposingSelf: Bool = false, transposingOther: Bool = false
  ) -> Tensor {
    precondition(
      shape.count == 2 && other.shape.count == 2 && dtype == other.dtype,
      "times: expected two matrices of one dtype, not \(shape) \(dtype) and \(other.shape) \(other.dtype)"
    )
    let (m, k) = transposingSelf ? (shape[1], shape[0]) : (shape[0], shape[1])
    let (inner, n) =
      transposingOther ? (other.shape[1], other.shape[0]) : (other.shape[0], other.shape[1])
    precondition(k == inner, "times: shapes \(shape) and \(other.shape) do not fit")
    func run<S: Scalar>(_: S.Type) -> Tensor {
      Tensor(shape: [m, n], of: S.self) { c in
        withElements(of: S.self) { a in
          other.withElements(of: S.self) { b in
            guard let c = c.baseAddress, let a = a.baseAddress, let b = b.baseAddress else {
              return
            }
            S.product(
              c, a, b, m: m, n: n, k: k, transposingA: transposingSelf,
              transposingB: transposingOther, adding: false)
          }
        }
      }
    }
    let product = dtype == .float32 ? run(Float.self) : run(Double.self)
    let (a, b) = (detached, other.detached)
    return product.recorded(
      "times",
      edge {
        transposingSelf
          ? b.times($0, transposingSelf: transposingOther, transposingOther: true)
          : $0.times(b, transposingOther: !transposingOther)
      },
      other.edge {
        transposingOther
          ? $0.times(a, transposingSelf: true, transposingOther: transposingSelf)
          : a.times($0, transposingSelf: !transposingSelf)
      })
  }

  /// `self` times the transpose of `other`.
  public func timesTransposed(_ other: Tensor) -> Tensor { times(other, transposingOther: true) }

  /// The inner product of every two rows, without history.
  package func ownProducts() -> Tensor {
    precondition(shape.count == 2, "ownProducts: a tensor of shape \(shape) is no matrix")
    let (m, k) = (shape[0], shape[1])
    func run<S: Scalar>(_: S.Type) -> Tensor {
      Tensor(shape: [m, m], of: S.self) { c in
        guard let c = c.baseAddress else { return }
        S.ownProduct(c, base(), m: m, k: k)
        withExtendedLifetime(self) {}
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }
}
