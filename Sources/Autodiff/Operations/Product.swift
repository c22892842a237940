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
      other.scaledEdge {
        let pull =
          transposingOther
          ? $0.tensor.times(a, transposingSelf: true, transposingOther: transposingSelf)
          : a.times($0.tensor, transposingSelf: !transposingSelf)
        return Cotangent(pull, times: $0.factor)
      },
      scaledEdge {
        let pull =
          transposingSelf
          ? b.times($0.tensor, transposingSelf: transposingOther, transposingOther: true)
          : $0.tensor.times(b, transposingOther: !transposingOther)
        return Cotangent(pull, times: $0.factor)
      })
  }

  /// `self` times the transpose of `other`.
  public func timesTransposed(_ other: Tensor) -> Tensor { times(other, transposingOther: true) }

  /// (W + Wᵀ) x for this square matrix W, and the sums of the rows of W + Wᵀ; without history.
  ///
  /// The sum of the matrices is never in memory as a whole.
  package func plusTransposeTimes(_ x: Tensor) -> (product: Tensor, rowSums: Tensor) {
    precondition(
      shape.count == 2 && shape[0] == shape[1] && x.shape.count == 2 && x.shape[0] == shape[0]
        && x.dtype == dtype, "plusTransposeTimes: shapes \(shape) and \(x.shape) do not fit")
    let (n, columns) = (shape[0], x.shape[1])
    func run<S: Scalar>(_: S.Type) -> (Tensor, Tensor) {
      var sums = Tensor(zeros: [n], dtype: dtype)
      let product = sums.updateElements(of: S.self) { sums in
        Tensor(shape: [n, columns], of: S.self) { c in
          guard let c = c.baseAddress, let sums = sums.baseAddress else { return }
          S.product(
            c, base(), x.base(), m: n, n: columns, k: n, .plusTransposed(rowSums: sums),
            transposingB: false, adding: false, bias: nil, .none)
          withExtendedLifetime((self, x)) {}
        }
      }
      return (product, sums)
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// Each element times the sum of the numbers of its row and its column, for this symmetric matrix,
  /// times x; without history.
  package func timesSums(of numbers: Tensor, times x: Tensor) -> Tensor {
    precondition(
      shape == [numbers.count, numbers.count] && x.shape.count == 2 && x.shape[0] == shape[0]
        && numbers.dtype == dtype && x.dtype == dtype,
      "timesSums: shapes \(shape), \(numbers.shape) and \(x.shape) do not fit")
    let (n, columns) = (shape[0], x.shape[1])
    func run<S: Scalar>(_: S.Type) -> Tensor {
      Tensor(shape: [n, columns], of: S.self) { c in
        guard let c = c.baseAddress else { return }
        S.product(
          c, base(), x.base(), m: n, n: columns, k: n, .timesSums(of: numbers.base()),
          transposingB: false, adding: false, bias: nil, .none)
        withExtendedLifetime((self, numbers, x)) {}
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// The inner product of every two rows, or what `finish` makes of it, without history.
  ///
  /// - Parameter finish: may change the products of a block, once, and then they are mirrored: equal
  ///   ones must stay equal.
  @specialized(where S == Float)
  @specialized(where S == Double)
  package func ownProducts<S: Scalar>(
    of _: S.Type, finish: @Sendable (UpperBlock<S>) -> Void
  ) -> Tensor {
    precondition(shape.count == 2, "ownProducts: a tensor of shape \(shape) is no matrix")
    let (m, k) = (shape[0], shape[1])
    return Tensor(shape: [m, m], of: S.self) { c in
      guard let c = c.baseAddress else { return }
      S.ownProduct(c, base(), m: m, k: k, ofColumns: false, finish: finish)
      withExtendedLifetime(self) {}
    }
  }

  /// The inner product of every two rows, or columns, without history.
  package func ownProducts(ofColumns: Bool = false) -> Tensor {
    precondition(shape.count == 2, "ownProducts: a tensor of shape \(shape) is no matrix")
    let (m, k) = ofColumns ? (shape[1], shape[0]) : (shape[0], shape[1])
    func run<S: Scalar>(_: S.Type) -> Tensor {
      Tensor(shape: [m, m], of: S.self) { c in
        guard let c = c.baseAddress else { return }
        S.ownProduct(c, base(), m: m, k: k, ofColumns: ofColumns)
        withExtendedLifetime(self) {}
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }
}
