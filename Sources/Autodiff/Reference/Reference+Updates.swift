extension Reference {
  package static func adamW<S: Scalar>(
    _ p: UnsafeMutableBufferPointer<S>, _ g: UnsafeBufferPointer<S>,
    _ m: UnsafeMutableBufferPointer<S>, _ v: UnsafeMutableBufferPointer<S>,
    _ numbers: AdamWNumbers<S>
  ) {
    for i in p.indices {
      m[i] = numbers.beta1 * m[i] + numbers.share1 * g[i]
      v[i] = numbers.beta2 * v[i] + numbers.share2 * (g[i] * g[i])
      let length = v[i].squareRoot() / numbers.correction + numbers.epsilon
      p[i] = p[i] * numbers.decay - numbers.rate * m[i] / length
    }
  }

  package static func sgd<S: Scalar>(
    _ p: UnsafeMutableBufferPointer<S>, _ g: UnsafeBufferPointer<S>,
    _ v: UnsafeMutableBufferPointer<S>, rate: S, momentum: S, nesterov: Bool, decay: S
  ) {
    for i in p.indices {
      let g = g[i] + decay * p[i]
      v[i] = momentum * v[i] + g
      p[i] -= rate * (nesterov ? g + momentum * v[i] : v[i])
    }
  }
}
