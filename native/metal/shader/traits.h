// The few type traits that shaders ask for, and those that the other headers need.
#pragma once

namespace metal {

template <typename T, T Value>
struct integral_constant {
    static constexpr T value = Value;
    using type = integral_constant;
    constexpr operator T() const { return Value; }
};

using true_type = integral_constant<bool, true>;
using false_type = integral_constant<bool, false>;

template <typename A, typename B>
struct is_same : integral_constant<bool, __is_same(A, B)> {};
template <typename A, typename B>
constexpr bool is_same_v = __is_same(A, B);

template <bool Condition, typename T = void>
struct enable_if {};
template <typename T>
struct enable_if<true, T> {
    using type = T;
};
template <bool Condition, typename T = void>
using enable_if_t = typename enable_if<Condition, T>::type;

template <bool Condition, typename A, typename B>
struct conditional {
    using type = A;
};
template <typename A, typename B>
struct conditional<false, A, B> {
    using type = B;
};
template <bool Condition, typename A, typename B>
using conditional_t = typename conditional<Condition, A, B>::type;

template <typename T>
struct remove_const {
    using type = __remove_const(T);
};
template <typename T>
struct remove_volatile {
    using type = __remove_volatile(T);
};
template <typename T>
struct remove_cv {
    using type = __remove_cv(T);
};
template <typename T>
struct remove_reference {
    using type = __remove_reference_t(T);
};
template <typename T>
struct remove_pointer {
    using type = __remove_pointer(T);
};
template <typename T>
using remove_const_t = typename remove_const<T>::type;
template <typename T>
using remove_volatile_t = typename remove_volatile<T>::type;
template <typename T>
using remove_cv_t = typename remove_cv<T>::type;
template <typename T>
using remove_reference_t = typename remove_reference<T>::type;
template <typename T>
using remove_pointer_t = typename remove_pointer<T>::type;

}  // namespace metal
