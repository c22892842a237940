/// The version of Kindred.
public let kindredVersion = "0.1.0"
